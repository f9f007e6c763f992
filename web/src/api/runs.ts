/** Tables, charts and groups of runs: what the server answers, and how it is asked. */
import { get, part, post } from './client'
import type { RunSummary } from './types'

/** A column's name, such as `attributes.status`, `metrics.loss.min` or ``params.`my key` ``. */
export type Column = string

/** What a cell holds. Not-a-number and the infinities travel as texts of these names; null is nothing. */
export type Value = number | string | null

export type Stage = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL'

/** Which runs are meant. */
export interface Scope {
  /** By number or name; none means all. */
  experiments: string[]
  filter?: string
  view?: Stage
}

export interface TableQuery extends Scope {
  order_by?: string[]
  columns: Column[]
  offset: number
  /** At most 20,000. */
  limit: number
}

/** A window of a table, by columns. */
export interface RunTable {
  total: number
  run_ids: string[]
  columns: { column: Column; values: Value[] }[]
}

/** A column that some of the runs have. */
export interface ColumnInfo {
  column: Column
  /** How many runs have it. */
  runs: number
  /** Parameters and tags are texts, even where each of them is a number. */
  kind: 'number' | 'text' | 'time'
  /** How many different texts, counted up to 1,000; none for numbers. */
  distinct: number | null
  least: Value
  most: Value
}

export interface Measure {
  least: Value
  mean: Value
  most: Value
}

export interface Group {
  /** One for each column that it is grouped by. */
  values: Value[]
  runs: number
  /** One for each measure that was asked for. */
  measures: Measure[]
  /** Selects exactly the runs of this group. */
  filter: string
}

export interface Groups {
  total_groups: number
  groups: Group[]
}

export type Axis = 'step' | 'time' | 'relative'

export interface ChartQuery {
  /** At most 100. */
  run_ids: string[]
  key: string
  axis: Axis
  from?: number
  to?: number
  /** At most so many buckets a run. */
  points: number
}

/** A run's measurements, cut into buckets along the axis. */
export interface RunSeries {
  run_id: string
  /** How many measurements there are. */
  total: number
  x: number[]
  least: Value[]
  most: Value[]
  last: Value[]
}

export interface Compared {
  key: string
  values: Value[]
  same: boolean
}

export interface ComparedMetric {
  key: string
  last: Value[]
  least: Value[]
  most: Value[]
  same: boolean
}

/** Runs side by side; every list is in the order of `runs`. */
export interface Comparison {
  runs: RunSummary[]
  params: Compared[]
  tags: Compared[]
  metrics: ComparedMetric[]
}

export type Best = 'min' | 'max' | 'last'

export interface LeaderboardRow {
  rank: number
  run_id: string
  name: string
  experiment: string
  value: Value
  step: number
  start_ms: number
  params: Record<string, string>
}

export interface BulkQuery {
  run_ids: string[]
  action: 'delete' | 'restore' | 'tag' | 'untag' | 'move' | 'purge'
  key?: string
  value?: string
  experiment?: string
}

/** A way to look at an experiment's runs, kept on the server. */
export interface SavedView {
  name: string
  view: unknown
  updated_ms: number
  by: string
}

export const table = (query: TableQuery, signal?: AbortSignal) => post<RunTable>('/api/v1/runs/table', query, 'POST', signal)
export const columns = (scope: Scope, signal?: AbortSignal) =>
  post<{ total: number; columns: ColumnInfo[] }>('/api/v1/runs/columns', scope, 'POST', signal)
export const groups = (
  query: Scope & { by: Column[]; measures: Column[]; order_by?: string; limit: number },
  signal?: AbortSignal,
) => post<Groups>('/api/v1/runs/groups', query, 'POST', signal)
export const chart = (query: ChartQuery, signal?: AbortSignal) =>
  post<{ series: RunSeries[] }>('/api/v1/runs/chart', query, 'POST', signal)
export const compare = (ids: string[], signal?: AbortSignal) =>
  post<Comparison>('/api/v1/runs/compare', { run_ids: ids }, 'POST', signal)
/** The server takes so many at once. */
const bulkAtOnce = 10_000
export async function bulk(query: BulkQuery): Promise<{ done: number }> {
  let done = 0
  for (let from = 0; from < query.run_ids.length; from += bulkAtOnce) {
    const some = { ...query, run_ids: query.run_ids.slice(from, from + bulkAtOnce) }
    done += (await post<{ done: number }>('/api/v1/runs/bulk', some)).done
  }
  return { done }
}
export const leaderboard = (
  query: { metric: string; by: Best; experiments?: string; filter?: string; limit?: number },
  signal?: AbortSignal,
) => get<{ rows: LeaderboardRow[] }>('/api/v1/leaderboard', { ...query }, signal)

const viewsOf = (experiment: string) => `/api/v1/experiments/${part(experiment)}/views`
export const savedViews = async (experiment: string, signal?: AbortSignal): Promise<SavedView[]> => {
  const answer = await get<SavedView[] | { items?: SavedView[]; views?: SavedView[] }>(viewsOf(experiment), {}, signal)
  return Array.isArray(answer) ? answer : (answer.items ?? answer.views ?? [])
}
export const saveView = (experiment: string, name: string, view: unknown) =>
  post<unknown>(`${viewsOf(experiment)}/${part(name)}`, { view }, 'PUT')
export const dropView = (experiment: string, name: string) =>
  post<unknown>(`${viewsOf(experiment)}/${part(name)}`, undefined, 'DELETE')

/** What a run's metrics came to, from least to most, with the step of the last value. */
export interface MetricSummary {
  key: string
  last: Value
  least: Value
  most: Value
  first: Value
  step: number | undefined
}

interface MlflowRun {
  run?: { data?: { metrics?: { key: string; step?: number | string }[] } }
}

/** The metrics of one run in short. */
export async function metricSummaries(
  run: { run_id: string; experiment_id: string; keys: string[] },
  columnOf: (key: string, aggregate: 'last' | 'min' | 'max' | 'first') => Column,
  signal?: AbortSignal,
): Promise<MetricSummary[]> {
  const which = ['last', 'min', 'max', 'first'] as const
  const [answer, steps] = await Promise.all([
    table(
      {
        experiments: [run.experiment_id],
        filter: `attributes.run_id = '${run.run_id}'`,
        view: 'ALL',
        columns: run.keys.flatMap((key) => which.map((one) => columnOf(key, one))),
        offset: 0,
        limit: 1,
      },
      signal,
    ),
    // Our own routes do not tell steps.
    get<MlflowRun>('/api/2.0/mlflow/runs/get', { run_id: run.run_id }, signal).catch((): MlflowRun => ({})),
  ])
  const stepOf = new Map((steps.run?.data?.metrics ?? []).map(({ key, step }) => [key, step === undefined ? 0 : Number(step)]))
  return run.keys.map((key, place) => {
    const [last, least, most, first] = which.map((_, index) => answer.columns[place * which.length + index]?.values[0] ?? null)
    return { key, last: last ?? null, least: least ?? null, most: most ?? null, first: first ?? null, step: stepOf.get(key) }
  })
}

/** The name that a client gave a logged model; its identifier if it cannot be had. */
export const loggedModel = async (id: string, signal?: AbortSignal): Promise<{ id: string; name: string }> => {
  const answer = await get<{ model?: { info?: { name?: string } } }>(`/api/2.0/mlflow/logged-models/${part(id)}`, {}, signal).catch(() => ({ model: undefined }))
  return { id, name: answer.model?.info?.name ?? id }
}
