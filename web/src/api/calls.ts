import { get, getBlob, listing, part, post, type Listing } from './client'
import type {
  Alert,
  Artifact,
  Commit,
  CommitInfo,
  Dataset,
  Endpoint,
  EndpointStatistics,
  Entry,
  Experiment,
  Incident,
  IncidentDetail,
  InferenceResponse,
  Job,
  LedgerSummary,
  Lineage,
  MetricSeries,
  ModelVersion,
  MonitorSettings,
  Postmortem,
  Prediction,
  RegisteredModel,
  Report,
  ReportSummary,
  Rollout,
  RunbookRun,
  RunDetail,
  RunSummary,
  SampleRows,
  ServedState,
  Why,
} from './types'

type Signal = AbortSignal | undefined

async function all<T>(path: string, query: Record<string, string | number | undefined>, signal: Signal): Promise<T[]> {
  return listing(await get<Listing<T> | T[]>(path, query, signal)).items
}

// The journal
export interface JournalQuery {
  about?: string
  subject?: string
  verb?: string
  since_ms?: number
  limit?: number
  token?: string
}
export const journal = (query: JournalQuery, signal?: AbortSignal) =>
  get<Listing<Entry>>('/api/v1/journal', { newest_first: true, ...query }, signal)
export const lineage = (of: string, direction = 'both', depth = 20, signal?: AbortSignal) =>
  get<Lineage>('/api/v1/lineage', { of, direction, depth }, signal)
export const jobs = (signal?: AbortSignal) => all<Job>('/api/v1/jobs', {}, signal)
export const ledger = (subject: string | undefined, signal?: AbortSignal) =>
  get<LedgerSummary>('/api/v1/ledger/summary', { subject }, signal)

// Data
export const datasets = (signal?: AbortSignal) => all<Dataset>('/api/v1/datasets', {}, signal)
export const dataset = (name: string, signal?: AbortSignal) => get<Dataset>(`/api/v1/datasets/${part(name)}`, {}, signal)
export const commit = (name: string, reference: string, signal?: AbortSignal) =>
  get<Commit>(`/api/v1/datasets/${part(name)}/commits/${part(reference)}`, {}, signal)
export const log = (name: string, reference: string, signal?: AbortSignal) =>
  all<CommitInfo>(`/api/v1/datasets/${part(name)}/log`, { reference }, signal)
export const sample = (name: string, reference: string, path: string, limit: number, signal?: AbortSignal) =>
  get<SampleRows>(`/api/v1/datasets/${part(name)}/rows/${part(reference)}`, { path, limit }, signal)

// Runs
export interface RunQuery {
  experiment?: string
  filter?: string
  order_by?: string
  limit?: number
  token?: string
}
export const experiments = (signal?: AbortSignal) => all<Experiment>('/api/v1/experiments', {}, signal)
export const runs = (query: RunQuery, signal?: AbortSignal) =>
  get<Listing<RunSummary>>('/api/v1/runs', { ...query }, signal)
export const run = (id: string, signal?: AbortSignal) => get<RunDetail>(`/api/v1/runs/${part(id)}`, {}, signal)
export const metrics = (id: string, signal?: AbortSignal) =>
  get<MetricSeries[]>(`/api/v1/runs/${part(id)}/metrics`, {}, signal)
export const artifact = (id: string, path: string) => getBlob(`/api/v1/runs/${part(id)}/file`, { path })
export const artifacts = (id: string, path: string, signal?: AbortSignal) =>
  all<Artifact>(`/api/v1/runs/${part(id)}/artifacts`, { path }, signal)

// Models
export const models = (signal?: AbortSignal) => all<RegisteredModel>('/api/v1/models', {}, signal)
export const model = (name: string, signal?: AbortSignal) => get<RegisteredModel>(`/api/v1/models/${part(name)}`, {}, signal)
export const modelVersion = (name: string, version: string | number, signal?: AbortSignal) =>
  get<ModelVersion>(`/api/v1/models/${part(name)}/versions/${part(String(version))}`, {}, signal)

// Serving
export const endpoints = (signal?: AbortSignal) => all<Endpoint>('/api/v1/endpoints', {}, signal)
export const endpoint = (name: string, signal?: AbortSignal) => get<Endpoint>(`/api/v1/endpoints/${part(name)}`, {}, signal)
export const served = (name: string, signal?: AbortSignal) =>
  get<ServedState>(`/api/v1/endpoints/${part(name)}/served`, {}, signal)
export const statistics = (name: string, signal?: AbortSignal) =>
  get<EndpointStatistics>(`/api/v1/endpoints/${part(name)}/statistics`, {}, signal)
export const rollback = (name: string, to: number | undefined, reason: string) =>
  post<ServedState>(`/api/v1/endpoints/${part(name)}/rollback`, { to_revision: to, reason })
export const infer = (name: string, inputs: { name: string; shape: number[]; datatype: string; data: unknown[] }[]) =>
  post<InferenceResponse>(`/v2/models/${part(name)}/infer`, { inputs })

// Watching
/** The newest predictions, newest first (the server sends them oldest first). */
export const predictions = async (name: string, limit: number, signal?: AbortSignal) =>
  (await all<Prediction>(`/api/v1/endpoints/${part(name)}/predictions`, { limit }, signal)).toReversed()
export const monitor = (name: string, signal?: AbortSignal) =>
  get<MonitorSettings>(`/api/v1/endpoints/${part(name)}/monitor`, {}, signal)
export const reports = (name: string, signal?: AbortSignal) =>
  all<ReportSummary>(`/api/v1/endpoints/${part(name)}/reports`, { limit: 200 }, signal)
export const report = (id: string, signal?: AbortSignal) => get<Report>(`/api/v1/reports/${part(id)}`, {}, signal)
export const alerts = (signal?: AbortSignal) => all<Alert>('/api/v1/alerts', {}, signal)
export const evaluate = (name: string) => post<Report>(`/api/v1/endpoints/${part(name)}/evaluate`, {})

// Responding
export const incidents = (query: { status?: string; endpoint?: string }, signal?: AbortSignal) =>
  all<Incident>('/api/v1/incidents', query, signal)
export const incident = (id: string, signal?: AbortSignal) =>
  get<IncidentDetail>(`/api/v1/incidents/${part(id)}`, {}, signal)
export const acknowledge = (id: string) => post<Incident>(`/api/v1/incidents/${part(id)}/acknowledge`, {})
export const resolve = (id: string, resolution: string) =>
  post<Incident>(`/api/v1/incidents/${part(id)}/resolve`, { text: resolution })
export const note = (id: string, text: string) => post<unknown>(`/api/v1/incidents/${part(id)}/note`, { text })
export const postmortem = (id: string, signal?: AbortSignal) =>
  get<Postmortem>(`/api/v1/incidents/${part(id)}/postmortem`, {}, signal)
export const runbook = (id: string, dryRun: boolean) =>
  post<Job>(`/api/v1/incidents/${part(id)}/runbook`, { name: 'retrain', dry_run: dryRun })
export const runbooks = (id: string, signal?: AbortSignal) =>
  all<RunbookRun>(`/api/v1/incidents/${part(id)}/runbooks`, {}, signal)
export const why = (subject: string, signal?: AbortSignal) => get<Why>('/api/v1/why', { subject }, signal)
export const rollouts = (name: string, signal?: AbortSignal) =>
  all<Rollout>(`/api/v1/endpoints/${part(name)}/rollouts`, {}, signal)
