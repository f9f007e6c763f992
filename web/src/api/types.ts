/**
 * The server's answers, as its Rust types describe them (`crates/NAME/src/model.rs` and `http.rs`).
 * Times are milliseconds since the Unix epoch unless the name says otherwise.
 */

// The journal ------------------------------------------------------------------------------------

export type Facts = Record<string, unknown>

export interface Entry {
  seq: number
  time_ms: number
  actor: string
  verb: string
  subject: string
  inputs: string[]
  outputs: string[]
  facts: Facts | null
  previous: string
  hash: string
}

export interface LineageNode {
  reference: string
  /** Steps from the thing asked about: negative upstream. */
  distance: number
  made_ms?: number
}

export interface LineageEdge {
  from: string
  to: string
  verb: string
  seq: number
}

export interface Lineage {
  of: string
  nodes: LineageNode[]
  edges: LineageEdge[]
  truncated: boolean
}

export interface Job {
  id: string
  kind: string
  subject?: string
  actor: string
  state: 'running' | 'succeeded' | 'failed' | 'interrupted'
  done: number
  total: number
  message: string
  started_ms: number
  ended_ms?: number
  result?: unknown
  error?: { code: string; what: string; why?: string; hint?: string }
}

// The ledger -------------------------------------------------------------------------------------

export interface Cost {
  seconds: number
  cpu_seconds: number
  watt_hours: number
  watt_hours_low: number
  watt_hours_high: number
  method: string
  grams_co2e: number
  money: number
  currency: string
}

export interface LedgerSummary {
  entries: number
  total: Cost
  money: Record<string, number>
  by_activity: { name: string; entries: number; cost: Cost }[]
  by_subject: { name: string; entries: number; cost: Cost }[]
}

// Data -------------------------------------------------------------------------------------------

export interface RefInfo {
  name: string
  commit: string | null
  updated_ms: number
}

export interface CommitInfo {
  id: string
  dataset: string
  parents: string[]
  author: string
  message: string
  time_ms: number
  tree: string
  file_count: number
  rows: number
  bytes: number
  new_bytes: number
}

export interface Dataset {
  name: string
  created_ms: number
  created_by: string
  branches: RefInfo[]
  tags: RefInfo[]
  commits: number
  latest: CommitInfo | null
}

export interface ColumnSummary {
  name: string
  kind: string
  missing: number
  distinct: number
  min: number | null
  max: number | null
  mean: number | null
  std: number | null
  quantiles: { share: number; value: number }[]
  frequent: { value: string; rows: number }[]
}

export interface TableSummary {
  rows: number
  columns: ColumnSummary[]
}

export interface FileEntry {
  path: string
  bytes: number
  hash: string
  table: TableSummary | null
}

export interface Commit {
  id: string
  dataset: string
  parents: string[]
  author: string
  message: string
  time_ms: number
  files: FileEntry[]
  rows: number
  bytes: number
  new_bytes: number
}

export type Cell = string | number | boolean | null

export interface SampleRows {
  columns: { name: string; kind: string }[]
  rows: Cell[][]
  total: number
}

// Runs -------------------------------------------------------------------------------------------

export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'

export interface Experiment {
  experiment_id: string
  name: string
  runs?: number
}

export interface RunSummary {
  run_id: string
  name: string
  experiment_id: string
  experiment: string
  status: RunStatus
  user: string
  start_ms: number
  end_ms: number | null
  metrics: Record<string, number | string>
  params: Record<string, string>
  tags: Record<string, string>
}

/** A dataset as a client described it, and how the run used it. */
export interface DatasetInput {
  dataset: { name: string; digest: string; source_type: string; source: string; schema?: string | null; profile?: string | null }
  tags: { key: string; value: string }[]
}

export interface RunLinks {
  dataset_inputs: DatasetInput[]
  model_inputs: { model_id: string; step?: number }[]
  model_outputs: { model_id: string; step?: number }[]
}

export interface RunDetail extends RunSummary {
  artifact_uri: string
  lifecycle_stage?: 'active' | 'deleted'
  links?: RunLinks
  dataset: string | null
  prepared: string | null
  pipeline: string | null
  code: string | null
  environment: unknown
  cost: Cost | null
}

export interface MetricPoint {
  value: number | string
  timestamp: number
  step: number
}

export interface MetricSeries {
  key: string
  points: MetricPoint[]
}

export interface Artifact {
  path: string
  is_dir: boolean
  file_size?: number | null
}

// Models -----------------------------------------------------------------------------------------

export interface GateResult {
  gate: string
  metric?: string
  minimum?: number
  tolerance?: number
  passed: boolean
  observed: number | null
  message: string
}

export interface ModelVersion {
  name: string
  version: number
  created_ms: number
  updated_ms: number
  actor: string
  description: string | null
  source: string
  run_id: string | null
  stage: string
  status: string
  tags: Record<string, string>
  aliases: string[]
  gates: GateResult[]
  forced: boolean
  bundle_hash: string | null
  metrics?: Record<string, number>
  bundle?: BundleSummary | null
}

export interface BundleSummary {
  runtime: string
  recipe: string
  params: Record<string, unknown> | null
  pipeline_hash: string
  target: Target
  signature: Signature
  input_example: Record<string, Cell> | null
  reference?: { rows: number; auc: number | null }
  weights_bytes?: number
}

export interface Target {
  column: string
  operator: string
  value: number
}

export interface Signature {
  inputs: { name: string; type: string }[]
  outputs: { name: string; type: string }[]
}

export interface RegisteredModel {
  name: string
  description: string | null
  created_ms: number
  updated_ms: number
  tags: Record<string, string>
  aliases: Record<string, number>
  latest_version: number | null
  versions?: ModelVersion[]
}

// Serving ----------------------------------------------------------------------------------------

export interface Revision {
  endpoint: string
  revision: number
  model: string
  version: number
  bundle_hash: string
  percent: number
  created_ms: number
  created_by: string
}

export interface Endpoint {
  name: string
  require_log: boolean
  created_ms: number
  created_by: string
  revisions: Revision[]
  /** Every revision with traffic is in memory. */
  ready: boolean
  /** Since the process started. */
  figures: Figures
  /** The last changes of traffic, newest first; none in lists. */
  changes: TrafficChange[]
}

export interface TrafficChange {
  sequence: number
  time_ms: number
  kind: string
  actor: string
  reason: string
  shares: { revision: number; percent: number }[]
}

export interface ServedRevision {
  revision: number
  model: string
  version: number
  percent: number
  loaded: boolean
  bundle_hash: string
  requests: number
  problem: string | null
}

export interface ServedState {
  endpoint: string
  revisions: ServedRevision[]
  generation: number
  checked_ms: number
  process_id: number
}

export interface Figures {
  requests: number
  rows: number
  refused: number
  failures: number
  log_failures: number
  requests_per_second: number
  p50_ms: number | null
  p99_ms: number | null
}

export interface StatisticsPoint {
  time_ms: number
  requests: number
  failures: number
  requests_per_second: number
  p50_ms: number | null
  p99_ms: number | null
}

export interface EndpointStatistics {
  endpoint: string
  time_ms: number
  total: Figures
  revisions: { revision: number; figures: Figures; series: StatisticsPoint[] }[]
  /** The last ten minutes, by ten seconds, oldest first. */
  series: StatisticsPoint[]
}

export interface InferenceResponse {
  model_name: string
  model_version: string
  parameters: Record<string, unknown>
  outputs: { name: string; shape: number[]; datatype: string; data: (number | string)[] }[]
}

// Watching ---------------------------------------------------------------------------------------

export interface Prediction {
  prediction_id: string
  time_ms: number
  revision: number
  model: string
  version: number
  score: number | null
  value: number | null
  latency_us: number
  inputs: Record<string, Cell>
  error: string | null
}

export interface ColumnDrift {
  name: string
  kind: string
  statistic: string
  value: number
  threshold: number
  p_value: number
  p_adjusted: number
  drifted: boolean
  effect_size: number
  mean_shift: number | null
  direction: string
  mean_reference: number | null
  mean_current: number | null
  psi: number
  missing_share: number
  missing_share_reference: number
  missing_rose: boolean
  new_categories: string[]
  new_category_share: number
  histogram_reference: number[]
  histogram_current: number[]
  edges: number[]
  labels: string[]
}

export type ReportStatus = 'ok' | 'warning' | 'alert' | 'too_few'

export interface ReportSummary {
  id: string
  endpoint: string
  revision: number
  model: string
  version: number
  created_ms: number
  rows: number
  labelled: number
  share_drifted: number
  prediction_effect: number | null
  realised_auc: number | null
  realised_auc_low: number | null
  realised_auc_high: number | null
  reference_auc: number | null
  brier: number | null
  status: ReportStatus
}

export interface Report extends Omit<ReportSummary, 'prediction_effect'> {
  from_ms: number | null
  to_ms: number | null
  columns: ColumnDrift[]
  prediction_drift: ColumnDrift | null
  positive_share: number | null
  mean_score: number | null
  findings: string[]
  alerts: Alert[]
}

export interface Alert {
  id: string
  key: string
  endpoint: string
  kind: 'data_drift' | 'prediction_drift' | 'quality_drop' | 'missing_share'
  severity: string
  status: 'firing' | 'resolved'
  title: string
  text: string
  revision: number
  model: string
  version: number
  report_id: string
  value: number
  threshold: number
  fired_ms: number
  resolved_ms: number | null
}

export interface MonitorSettings {
  enabled: boolean
  /** Seconds between evaluations. */
  interval_seconds: number
  window_rows: number
  /** Share of drifted columns that is an alert. */
  drift_share: number
  /** Drop of the AUC below the reference that is allowed. */
  auc_drop: number
  /** Effect size from which a difference matters. */
  material_effect: number
}

// Responding -------------------------------------------------------------------------------------

export type IncidentStatus = 'triggered' | 'acknowledged' | 'resolved'

export interface IncidentAlert {
  id: string
  key: string
  severity: string
  text: string
  report: string | null
  first_ms: number
  last_ms: number
  count: number
}

export interface Incident {
  id: string
  number: number
  title: string
  endpoint: string
  kind: 'monitoring' | 'bad_release'
  status: IncidentStatus
  priority: 'P1' | 'P2' | 'P3' | 'P4'
  opened_ms: number
  acknowledged_ms: number | null
  resolved_ms: number | null
  owner: string | null
  model: string | null
  version: number | null
  revision: number | null
  alerts: IncidentAlert[]
  cause: string | null
  resolution: string | null
  evidence: Facts | null
  runbooks: string[]
  rollouts: string[]
  cost: Cost
  postmortem: string | null
}

export type EventKind = 'alert' | 'incident' | 'action' | 'data' | 'model' | 'delivery' | 'proof' | 'other'

export interface TimelineEvent {
  seq: number
  time_ms: number
  offset_seconds: number
  actor: string
  verb: string
  kind: EventKind
  subject: string
  text: string
  facts: Facts | null
}

export interface IncidentDetail {
  incident: Incident
  timeline: TimelineEvent[]
}

export type Aspect = 'data' | 'column' | 'pipeline' | 'params' | 'code' | 'environment' | 'model' | 'quality'

export interface Difference {
  aspect: Aspect
  name: string
  before: string
  after: string
  effect_size: number | null
  text: string
}

export interface Slice {
  label: string
  references: string[]
  time_ms: number | null
}

export interface Why {
  subject: string
  good: Slice
  bad: Slice
  differences: Difference[]
  unchanged: Aspect[]
  unknown: Aspect[]
  columns_compared: number
  columns_differ: number
  verdict: string
}

export interface Judgement {
  verdict: 'continue' | 'pass' | 'harm'
  basis: string
  text: string
  canary_outcomes: number
  stable_outcomes: number
  canary_brier: number | null
  stable_brier: number | null
}

export interface ReadBack {
  checked_ms: number
  traffic: { revision: number; model: string; version: number; percent: number; loaded: boolean; bundle_hash: string }[]
  proven: boolean
  text: string
}

export interface RolloutStep {
  percent: number
  status: 'pending' | 'judging' | 'passed' | 'harmed' | 'skipped'
  started_ms: number | null
  ended_ms: number | null
  read_back: ReadBack | null
  judgement: Judgement | null
}

export interface Rollout {
  id: string
  endpoint: string
  revision: number
  stable_revision: number
  model: string
  version: number
  stable_model: string
  stable_version: number
  status: 'running' | 'paused' | 'completed' | 'rolled_back' | 'aborted' | 'interrupted'
  steps: RolloutStep[]
  current: number
  incident: string | null
  actor: string
  reason: string | null
  started_ms: number
  ended_ms: number | null
  rollback_seconds: number | null
  exposure_seconds: number | null
  final_read_back: ReadBack | null
  failed_requests: number
}

export interface RunbookStep {
  name: string
  title: string
  command: string
  status: 'pending' | 'running' | 'done' | 'planned' | 'failed' | 'skipped' | 'interrupted'
  text: string
  outputs: string[]
  started_ms: number | null
  ended_ms: number | null
}

export interface RunbookRun {
  id: string
  number: number
  name: string
  incident: string
  endpoint: string
  status: RunbookStep['status']
  dry_run: boolean
  steps: RunbookStep[]
  actor: string
  started_ms: number
  ended_ms: number | null
  cost: Cost
}

export interface Postmortem {
  incident: string
  number: number
  markdown: string
  path: string | null
  draft: boolean
}
