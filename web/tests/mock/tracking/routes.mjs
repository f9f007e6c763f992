/** The stand-in's tracking: our own routes, and as much of MLflow's as the tests log with. */
import { histories, runs as wine } from '../story.mjs'
import { digits } from './digits.mjs'
import { problem } from './filter.mjs'
import { large } from './large.mjs'
import { addExperiment, addRun, changed, experiments, findExperiment, Run, runs } from './store.mjs'
import * as tables from './tables.mjs'

if (!process.env.EMPTY) {
  addExperiment('Default', {}, 0)
  addExperiment('wine-quality', { purpose: 'demo' })
  for (const { run_id, name, experiment_id, status, user, start_ms, end_ms, metrics, params, tags, ...more } of wine.toReversed()) {
    const curves = Object.fromEntries((histories[run_id] ?? []).map(({ key, points }) => [key, points]))
    const finals = Object.fromEntries(Object.entries(metrics).filter(([key]) => !curves[key]).map(([key, value]) => [key, [{ step: 0, timestamp: end_ms ?? start_ms, value }]]))
    addRun(new Run(experiment_id, name, { run_id, status, user, start_ms, end_ms, params: { ...params }, tags: { ...tags }, metrics: { ...finals, ...curves }, more, files: new Map([['model/bundle.json', Buffer.from('{"runtime":"trees"}')], ['model/trees.json', Buffer.from('[]')]]) }))
  }
  digits()
  large()
} else addExperiment('Default', {}, 0)

const views = new Map()
const found = (id) => [...runs.values()].find((run) => run.run_id.startsWith(id)) ?? undefined
const paged = (items) => ({ items, next_token: null })

function shown(run) {
  const text = run.tag('ropewalk.cost')
  return {
    dataset: null, prepared: null, pipeline: null, code: run.tag('mlflow.source.git.commit'), environment: null, ...run.more,
    ...tables.row(run), artifact_uri: `mlflow-artifacts:/${run.experiment_id}/${run.run_id}/artifacts`, lifecycle_stage: run.stage, cost: text ? JSON.parse(text) : null,
    links: { dataset_inputs: run.inputs, model_inputs: [], model_outputs: run.models },
  }
}

function folder(run, path) {
  const prefix = path ? `${path}/` : ''
  const seen = new Map()
  for (const [name, bytes] of run.files) {
    if (!name.startsWith(prefix)) continue
    const rest = name.slice(prefix.length)
    const first = rest.split('/')[0]
    if (rest.includes('/')) seen.set(first, { path: prefix + first, is_dir: true })
    else seen.set(first, { path: name, is_dir: false, file_size: bytes.length })
  }
  return [...seen.values()].sort((a, b) => a.path.localeCompare(b.path))
}

function thinned(points, limit) {
  return points.length <= limit ? points : points.filter((_, index) => index % Math.ceil(points.length / limit) === 0)
}

const gone = { status: 404, body: { error: { code: 'not_found', what: 'there is no such thing', why: 'the name is not known', hint: 'ropewalk run ls' } } }
const wrong = (what, hint) => ({ status: 400, body: { error: { code: 'invalid', what, hint } } })

/** Method, pattern, and what answers: parts of the path, query, body. */
const routes = [
  ['POST', '/runs/table', (_, __, body) => tables.table(body)],
  ['POST', '/runs/columns', (_, __, body) => tables.columns(body)],
  ['POST', '/runs/groups', (_, __, body) => tables.groups(body)],
  ['POST', '/runs/chart', (_, __, body) => tables.chart(body)],
  ['POST', '/runs/compare', (_, __, body) => (body.run_ids.length < 2 ? wrong('two runs at least are compared') : tables.compare(body))],
  ['POST', '/runs/bulk', (_, __, body) => tables.bulk(body)],
  ['GET', '/leaderboard', (_, query) => tables.leaderboard(query)],
  ['GET', '/experiments', (_, query) => paged(experiments.filter(({ lifecycle_stage }) => (query.get('view') ?? 'ACTIVE_ONLY') === 'ALL' || (lifecycle_stage === 'deleted') === (query.get('view') === 'DELETED_ONLY')).toReversed())],
  ['POST', '/experiments', (_, __, { name, tags }) => (findExperiment(name) ? { status: 409, body: { error: { code: 'exists', what: `there is an experiment “${name}” already` } } } : addExperiment(name, tags))],
  ['PATCH', '/experiments/:id', ({ id }, __, { name }) => { const one = findExperiment(id); if (!one) return gone; one.name = name; changed(); return one }],
  ['DELETE', '/experiments/:id', ({ id }) => { const one = findExperiment(id); if (!one) return gone; one.lifecycle_stage = 'deleted'; changed(); return one }],
  ['POST', '/experiments/:id/restore', ({ id }) => { const one = findExperiment(id); if (!one) return gone; one.lifecycle_stage = 'active'; changed(); return one }],
  ['GET', '/experiments/:id/views', ({ id }) => paged([...(views.get(findExperiment(id)?.experiment_id) ?? new Map()).values()])],
  ['GET', '/experiments/:id/views/:name', ({ id, name }) => views.get(findExperiment(id)?.experiment_id)?.get(name) ?? gone],
  ['PUT', '/experiments/:id/views/:name', ({ id, name }, __, { view }) => {
    const key = findExperiment(id)?.experiment_id
    if (!key) return gone
    if (!views.has(key)) views.set(key, new Map())
    const kept = { name, view, updated_ms: Date.now(), by: 'user:local' }
    views.get(key).set(name, kept)
    return kept
  }],
  ['DELETE', '/experiments/:id/views/:name', ({ id, name }) => { views.get(findExperiment(id)?.experiment_id)?.delete(name); return {} }],
  ['GET', '/runs', (_, query) => {
    const { total, run_ids } = tables.table({ experiments: query.get('experiment') ? [query.get('experiment')] : [], filter: query.get('filter') ?? '', order_by: (query.get('order_by') ?? '').split(',').filter(Boolean), offset: 0, limit: Number(query.get('limit') ?? 100) })
    return { items: run_ids.map((id) => tables.row(runs.get(id))), next_token: total > run_ids.length ? 'more' : null }
  }],
  ['GET', '/runs/:id', ({ id }) => { const run = found(id); return run ? shown(run) : gone }],
  ['GET', '/runs/:id/metrics', ({ id }, query) => { const run = found(id); return run ? run.keys.metrics.filter((key) => !query.get('key') || query.get('key') === key).slice(0, 60).map((key) => ({ key, points: thinned(run.history(key), Number(query.get('limit') ?? 1000)) })) : gone }],
  ['GET', '/runs/:id/artifacts', ({ id }, query) => { const run = found(id); return run ? folder(run, query.get('path') ?? '') : gone }],
  ['GET', '/runs/:id/file', ({ id }, query) => { const bytes = found(id)?.files.get(query.get('path')); return bytes ? { bytes } : gone }],
]

const json = (value) => ({ status: 200, body: value })

/** MLflow's own routes, for those who log. */
const mlflow = [
  ['POST', '/experiments/create', (_, { name, tags = [] }) => (findExperiment(name) ? { status: 400, body: { error_code: 'RESOURCE_ALREADY_EXISTS', message: `Experiment '${name}' already exists.` } } : json({ experiment_id: addExperiment(name, Object.fromEntries(tags.map(({ key, value }) => [key, value]))).experiment_id }))],
  ['GET', '/experiments/get-by-name', (query) => { const experiment = findExperiment(query.get('experiment_name')); return experiment ? json({ experiment }) : { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST' } } }],
  ['POST', '/runs/create', (_, { experiment_id, run_name, start_time, tags = [], user_id }) => {
    const named = Object.fromEntries(tags.map(({ key, value }) => [key, value]))
    const run = addRun(new Run(experiment_id, run_name ?? named['mlflow.runName'] ?? 'unnamed', { start_ms: start_time, user: user_id, tags: named }))
    return json({ run: { info: { run_id: run.run_id, experiment_id, artifact_uri: `mlflow-artifacts:/${experiment_id}/${run.run_id}/artifacts` } } })
  }],
  ['GET', '/runs/get', (query) => {
    const run = runs.get(query.get('run_id'))
    return run ? json({ run: { info: { run_id: run.run_id }, data: { metrics: run.keys.metrics.map((key) => { const last = run.history(key).at(-1); return { key, value: run.metric(key), step: last?.step ?? 0, timestamp: last?.timestamp ?? 0 } }) } } }) : { status: 404, body: {} }
  }],
  ['GET', '/webhooks', () => json({ webhooks: process.env.EMPTY ? [] : [{ webhook_id: 'w-1', name: 'release', url: 'https://example.com/hooks/models', status: 'ACTIVE', events: [{ entity: 'MODEL_VERSION', action: 'CREATED' }, { entity: 'MODEL_VERSION_ALIAS', action: 'CREATED' }] }] })],
  ['GET', '/logged-models/:id', (_, __, { id }) => json({ model: { info: { model_id: id, name: 'model', status: 'LOGGED_MODEL_READY' } } })],
  ['POST', '/runs/update', (_, { run_id, status, end_time }) => { const run = runs.get(run_id); run.status = status ?? run.status; run.end_ms = end_time ?? run.end_ms; changed(); return json({}) }],
  ['POST', '/runs/log-batch', (_, { run_id, metrics = [], params = [], tags = [] }) => {
    const run = runs.get(run_id)
    for (const { key, value, step, timestamp } of metrics) (run.metrics[key] ??= []).push({ value: value === 'NaN' ? NaN : value, step: step ?? 0, timestamp })
    for (const { key, value } of params) run.params[key] = value
    for (const { key, value } of tags) run.tags[key] = value
    changed()
    return json({})
  }],
]

function matched(list, method, path) {
  for (const [wanted, pattern, make] of list) {
    const [parts, given] = [pattern.split('/'), path.split('/')]
    if (wanted !== method || parts.length !== given.length || !parts.every((part, index) => part.startsWith(':') || part === given[index])) continue
    return { make, values: Object.fromEntries(parts.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), decodeURIComponent(given[index])]] : []))) }
  }
  return undefined
}

/** The answer to a request about tracking; nothing if it is about something else. */
export function tracking(method, path, query, body) {
  const upload = /^\/api\/2\.0\/mlflow-artifacts\/artifacts\/\d+\/(\w+)\/artifacts\/(.+)$/.exec(path)
  if (upload && method === 'PUT') {
    runs.get(upload[1])?.files.set(decodeURIComponent(upload[2]), body)
    return json({})
  }
  const rest = /^\/api\/[23]\.0\/mlflow(\/.*)$/.exec(path)
  const list = rest ? mlflow : routes
  const hit = matched(list, method, rest ? rest[1] : path.replace(/^\/api\/v1/, ''))
  if (!hit) return undefined
  try {
    const given = body?.length ? JSON.parse(body.toString()) : {}
    const answer = rest ? hit.make(query, given, hit.values) : hit.make(hit.values, query, given)
    return answer && (answer.bytes || (typeof answer.status === 'number' && 'body' in answer)) ? answer : json(answer)
  } catch (error) {
    const said = problem(error)
    if (said) return { status: 400, body: said }
    throw error
  }
}

