/** Which columns a table shows, in which order. */
import type { Column, ColumnInfo } from '../../api/runs'
import { attributeColumns, parse, smallIsGood, type Entity } from './columns'

/** Metrics that the machine measures, not the model. */
const machine = /^(system\/|seconds$|cpu_seconds|watt_hours|grams_co2e|money)/

function weight({ column, runs }: ColumnInfo): number {
  const { key } = parse(column)
  const place = /^val(id(ation)?)?[_./-]/.test(key) ? 0 : /^(test|eval)[_./-]/.test(key) ? 1 : /^train(ing)?[_./-]/.test(key) ? 3 : 2
  return place - Number(/auc|acc|f1|r2/i.test(key)) * 0.5 - Math.min(1, runs / 1e6)
}

/** The metrics of models, the telling ones first. */
export function tellingMetrics(known: ColumnInfo[]): Column[] {
  const most = Math.max(1, ...known.filter(({ column }) => column.startsWith('metrics.')).map(({ runs }) => runs))
  return known
    .filter(({ column, runs }) => parse(column).entity === 'metrics' && !machine.test(parse(column).key) && runs >= most / 10)
    .map((info, place) => ({ column: info.column, weight: weight(info) + place * 1e-4 }))
    .sort((a, b) => a.weight - b.weight)
    .map(({ column }) => column)
}

/** What a table shows when nobody has said anything. */
export function usualColumns(known: ColumnInfo[], severalExperiments: boolean): Column[] {
  const params = known.filter(({ column, distinct }) => column.startsWith('params.') && (distinct ?? 2) > 1)
  return [
    'attributes.status',
    ...(severalExperiments ? ['attributes.experiment_id'] : []),
    'attributes.start_time',
    'attributes.duration',
    ...tellingMetrics(known).slice(0, 6),
    ...params.slice(0, 6).map(({ column }) => column),
  ]
}

/** The columns that a specification means, among those that there are. Columns named outright need not exist. */
export function resolve(specification: string[], known: ColumnInfo[]): Column[] {
  const found = new Set<Column>()
  const without = new Set(specification.filter((token) => token.startsWith('-')).map((token) => token.slice(1)))
  for (const token of specification) {
    if (token.startsWith('-')) continue
    const all = /^(attributes|metrics|params|tags)\.\*$/.exec(token)
    if (!all) found.add(token)
    else for (const column of every(all[1] as Entity, known)) if (!without.has(column)) found.add(column)
  }
  return [...found]
}

function every(entity: Entity, known: ColumnInfo[]): Column[] {
  if (entity === 'attributes') return attributeColumns
  return known.filter(({ column }) => column.startsWith(`${entity}.`)).map(({ column }) => column)
}

/** The specification without a column. */
export function hide(specification: string[], column: Column): string[] {
  const rest = specification.filter((token) => token !== column)
  return rest.includes(`${parse(column).entity}.*`) ? [...rest, `-${column}`] : rest
}

/** The specification with a column, at the end if it was not there. */
export function show(specification: string[], column: Column): string[] {
  const rest = specification.filter((token) => token !== `-${column}`)
  return rest.includes(column) || rest.includes(`${parse(column).entity}.*`) ? rest : [...rest, column]
}

/** The specification with a column moved before another, or to the end. No more columns are named outright than need be. */
export function move(specification: string[], known: ColumnInfo[], column: Column, before: Column | undefined): string[] {
  const others = resolve(specification, known).filter((one) => one !== column)
  const at = before === undefined ? -1 : others.indexOf(before)
  const place = at < 0 ? others.length : at
  const wanted = [...others.slice(0, place), column, ...others.slice(place)]
  const named = wanted.slice(0, place + 1)
  const brief = [...named, ...specification.filter((token) => !named.includes(token))]
  const meant = resolve(brief, known)
  return meant.length === wanted.length && meant.every((one, index) => one === wanted[index]) ? brief : wanted
}

/** Pinned columns first, each once. */
export function arrange(shown: Column[], pins: Column[]): { pinned: Column[]; loose: Column[] } {
  const there = new Set(shown)
  const pinned = [...new Set(pins)].filter((column) => there.has(column))
  const first = new Set(pinned)
  return { pinned, loose: shown.filter((column) => !first.has(column)) }
}

/** Which way a click on a column's head orders first: what is likely wanted on top. */
export function firstWay(column: Column): 'ASC' | 'DESC' {
  const { entity, key } = parse(column)
  if (entity === 'metrics') return smallIsGood(key) ? 'ASC' : 'DESC'
  return entity === 'attributes' && /time|duration/.test(key) ? 'DESC' : 'ASC'
}
