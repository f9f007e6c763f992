/** Tables, columns, groups, charts and comparisons of runs. */
import { name, parse, travel, valueOf } from './column.mjs'
import { filter, order } from './filter.mjs'
import { change, experiments, findExperiment, move, purge, runs, runsOf } from './store.mjs'

const kept = new Map()
/** What is asked often is kept until something changes. */
function cached(key, make) {
  const whole = `${change.version} ${key}`
  if (!kept.has(whole)) {
    if (kept.size > 40) kept.clear()
    kept.set(whole, make())
  }
  return kept.get(whole)
}

const inStage = (view) => (run) => view === 'ALL' || (run.stage === 'deleted') === (view === 'DELETED_ONLY')

/** The runs of a scope, unordered. */
export function scoped({ experiments: names = [], filter: text = '', view = 'ACTIVE_ONLY' }) {
  return cached(`scope ${JSON.stringify([names, text, view])}`, () => {
    const fits = filter(text, valueOf)
    return runsOf(names).filter(inStage(view)).filter(fits)
  })
}

function ordered(query) {
  const orders = query.order_by?.length ? query.order_by : ['attributes.start_time DESC']
  return cached(`order ${JSON.stringify([query.experiments, query.filter, query.view, orders])}`, () => {
    const ways = orders.map((text) => ({ column: parse(text.replace(/ (ASC|DESC)$/i, '')), down: / DESC$/i.test(text) }))
    const keyed = scoped(query).map((run) => ({ run, values: ways.map(({ column }) => valueOf(run, column)) }))
    keyed.sort((a, b) => {
      for (const [place, { down }] of ways.entries()) {
        const [left, right] = [a.values[place], b.values[place]]
        // What is not there stands last, whichever the way.
        if (left === null || right === null) { if (left !== right) return left === null ? 1 : -1; continue }
        const way = order(left, right)
        if (way) return down ? -way : way
      }
      return b.run.start_ms - a.run.start_ms || (a.run.run_id < b.run.run_id ? -1 : 1)
    })
    return keyed.map(({ run }) => run)
  })
}

export function table(query) {
  const all = ordered(query)
  const window = all.slice(query.offset ?? 0, (query.offset ?? 0) + Math.min(query.limit ?? 200, 20_000))
  const columns = (query.columns ?? []).map((column) => {
    const which = parse(column)
    return { column, values: window.map((run) => travel(valueOf(run, which))) }
  })
  return { total: all.length, run_ids: window.map(({ run_id }) => run_id), columns }
}

export function columns(query) {
  return cached(`columns ${JSON.stringify(query)}`, () => {
    const found = new Map()
    const all = scoped(query)
    // Of very many runs a sample is told.
    const pace = all.length > 2000 ? Math.floor(all.length / 400) : 1
    for (const run of all.filter((_, index) => index % pace === 0)) {
      for (const [entity, keys] of Object.entries(run.keys)) {
        for (const key of keys) {
          const column = name(entity, key)
          const info = found.get(column) ?? { column, runs: 0, kind: entity === 'metrics' ? 'number' : 'text', texts: new Set(), least: null, most: null }
          const value = valueOf(run, { entity, key, aggregate: 'last' })
          info.runs = Math.min(all.length, info.runs + pace)
          if (entity === 'metrics') {
            if (Number.isFinite(value)) { info.least = info.least === null ? value : Math.min(info.least, value); info.most = info.most === null ? value : Math.max(info.most, value) }
          } else if (info.texts.size < 1000) info.texts.add(value)
          found.set(column, info)
        }
      }
    }
    const list = [...found.values()].map(({ texts, ...info }) => (info.kind === 'number' ? { ...info, distinct: null } : { ...info, distinct: Math.min(1000, texts.size) }))
    return { total: all.length, columns: list.sort((a, b) => b.runs - a.runs) }
  })
}

const written = (text) => (text.includes("'") ? `"${text}"` : `'${text}'`)

export function groups(query) {
  const by = query.by.map(parse)
  const measures = (query.measures ?? []).map(parse)
  const found = new Map()
  for (const run of scoped(query)) {
    const values = by.map((column) => valueOf(run, column))
    const key = JSON.stringify(values)
    if (!found.has(key)) found.set(key, { values, runs: [] })
    found.get(key).runs.push(run)
  }
  const list = [...found.values()].map(({ values, runs: members }) => {
    const conditions = values.map((value, place) => (value === null ? `${query.by[place]} IS NULL` : `${query.by[place]} = ${typeof value === 'number' ? value : written(value)}`))
    return {
      values,
      runs: members.length,
      measures: measures.map((column) => {
        const numbers = members.map((run) => Number(valueOf(run, column) ?? NaN)).filter(Number.isFinite)
        return numbers.length ? { least: Math.min(...numbers), mean: numbers.reduce((sum, one) => sum + one, 0) / numbers.length, most: Math.max(...numbers) } : { least: null, mean: null, most: null }
      }),
      filter: [query.filter?.trim() ? `(${query.filter})` : '', ...conditions].filter(Boolean).join(' AND '),
    }
  })
  const [wanted, way] = (query.order_by ?? 'count DESC').split(/ (?=ASC$|DESC$)/)
  const place = query.measures?.indexOf(wanted) ?? -1
  const value = (group) => (place >= 0 ? (group.measures[place].mean ?? Infinity) : group.runs)
  list.sort((a, b) => (way === 'ASC' ? value(a) - value(b) : value(b) - value(a)))
  return { total_groups: list.length, groups: list.slice(0, query.limit ?? 200) }
}

/** Measurements cut into buckets along the axis. */
function buckets(points, axis, from, to, wanted) {
  const begin = points[0]?.timestamp ?? 0
  const at = axis === 'step' ? ({ step }) => step : axis === 'time' ? ({ timestamp }) => timestamp : ({ timestamp }) => timestamp - begin
  const inside = points.filter((point) => (from === undefined || at(point) >= from) && (to === undefined || at(point) <= to))
  const series = { total: points.length, x: [], least: [], most: [], last: [] }
  const add = (some) => {
    let [least, most] = [Infinity, -Infinity]
    for (const { value } of some) { if (value < least) least = value; if (value > most) most = value }
    series.x.push(at(some.at(-1)))
    series.least.push(travel(least === Infinity ? NaN : least))
    series.most.push(travel(most === -Infinity ? NaN : most))
    series.last.push(travel(some.at(-1).value))
  }
  if (inside.length <= wanted) for (const point of inside) add([point])
  else {
    const [low, high] = [at(inside[0]), at(inside.at(-1))]
    let some = []
    let bucket = 0
    for (const point of inside) {
      const place = Math.min(wanted - 1, Math.floor(((at(point) - low) / (high - low || 1)) * wanted))
      if (place !== bucket && some.length) { add(some); some = [] }
      bucket = place
      some.push(point)
    }
    if (some.length) add(some)
  }
  return series
}

export function chart({ run_ids, key, axis = 'step', from, to, points = 800 }) {
  return {
    series: run_ids.flatMap((run_id) => {
      const history = runs.get(run_id)?.history(key) ?? []
      return history.length ? [{ run_id, ...buckets(history, axis, from, to, points) }] : []
    }),
  }
}

/** A run in a listing. */
export function row(run) {
  const { metrics, params, tags } = run.keys
  return {
    run_id: run.run_id, name: run.name, experiment_id: run.experiment_id, experiment: experiments[Number(run.experiment_id)]?.name ?? '',
    status: run.status, user: run.user, start_ms: run.start_ms, end_ms: run.end_ms,
    metrics: Object.fromEntries(metrics.map((key) => [key, travel(run.metric(key))])),
    params: Object.fromEntries(params.map((key) => [key, run.param(key)])),
    tags: Object.fromEntries(tags.map((key) => [key, run.tag(key)])),
  }
}

export function compare({ run_ids }) {
  const members = run_ids.map((id) => runs.get(id)).filter(Boolean)
  const keys = (entity) => [...new Set(members.flatMap((run) => run.keys[entity]))].sort()
  const same = (values) => values.every((value) => value === values[0])
  const texts = (entity) => keys(entity).map((key) => { const values = members.map((run) => valueOf(run, { entity, key, aggregate: 'last' })); return { key, values, same: same(values) } })
  return {
    runs: members.map(row),
    params: texts('params'),
    tags: texts('tags'),
    metrics: keys('metrics').map((key) => {
      const [last, least, most] = ['last', 'min', 'max'].map((which) => members.map((run) => travel(run.metric(key, which))))
      return { key, last, least, most, same: same(last) }
    }),
  }
}

export function leaderboard(query) {
  const [metric, by] = [query.get('metric'), query.get('by') ?? 'max']
  const names = (query.get('experiments') ?? '').split(',').filter(Boolean)
  const found = scoped({ experiments: names, filter: query.get('filter') ?? '' }).flatMap((run) => {
    const value = run.metric(metric, by)
    return value === null || Number.isNaN(value) ? [] : [{ run, value }]
  })
  found.sort((a, b) => (by === 'min' ? a.value - b.value : b.value - a.value))
  return {
    rows: found.slice(0, Number(query.get('limit') ?? 50)).map(({ run, value }, place) => {
      const { experiment, params } = row(run)
      return { rank: place + 1, run_id: run.run_id, name: run.name, experiment, value, step: run.history(metric).find((point) => point.value === value)?.step ?? 0, start_ms: run.start_ms, params }
    }),
  }
}

export function bulk({ run_ids, action, key, value, experiment }) {
  let done = 0
  for (const id of run_ids) {
    const run = runs.get(id)
    if (!run) continue
    if (action === 'delete') run.stage = 'deleted'
    if (action === 'restore') run.stage = 'active'
    if (action === 'tag') run.tags[key] = value
    if (action === 'untag') delete run.tags[key]
    if (action === 'move') move(run, findExperiment(experiment).experiment_id)
    if (action === 'purge') purge(run)
    done += 1
  }
  change.version += 1
  return { done }
}
