/** Traces: what a program with language models in it did, and what people think of it. */
import { get, part, post, type Listing } from './client'

export type TraceState = 'OK' | 'ERROR' | 'IN_PROGRESS' | 'STATE_UNSPECIFIED'

export interface Assessment {
  assessment_id: string
  name: string
  kind: 'feedback' | 'expectation' | 'issue'
  value: unknown
  /** Why there is no value. */
  error: string | null
  rationale: string | null
  /** `HUMAN`, `LLM_JUDGE`, `CODE` or `SOURCE_TYPE_UNSPECIFIED`. */
  source_type: string
  source_id: string | null
  span_id: string | null
  created_ms: number
  /** Whether no later one takes its place. */
  valid: boolean
}

export interface TraceRow {
  trace_id: string
  experiment_id: string
  name: string | null
  state: TraceState
  start_ms: number
  /** None while it is not known. */
  duration_ms: number | null
  /** The conversation that it belongs to. */
  session: string | null
  user: string | null
  /** The run that made it. */
  run_id: string | null
  request_preview: string | null
  response_preview: string | null
  input_tokens: number | null
  output_tokens: number | null
  total_tokens: number | null
  /** US dollars. */
  cost: number | null
  tags: Record<string, string>
  metadata: Record<string, string>
  assessments: Assessment[]
}

export interface SpanEvent {
  name: string
  time_ms: number
  attributes: Record<string, unknown>
}

export interface Span {
  span_id: string
  /** The span that it belongs to, whether that has arrived or not. */
  parent_id: string | null
  name: string
  /** `LLM`, `TOOL`, `RETRIEVER` and so on, as the client said. */
  span_type: string | null
  status: 'OK' | 'ERROR' | 'UNSET'
  message: string | null
  /** Since 1970, with a fraction. */
  start_ms: number
  /** None if it has not ended. */
  duration_ms: number | null
  inputs: unknown
  outputs: unknown
  attributes: Record<string, unknown>
  events: SpanEvent[]
}

export interface TraceDetail extends TraceRow {
  /** Runs that it is linked to, besides the one that made it. */
  runs: string[]
  /** Prompts that it is linked to, as `name/version`. */
  prompts: string[]
  spans: Span[]
}

export interface TraceQuery {
  experiment?: string
  filter?: string
  order_by?: string
  limit?: number
  token?: string
}

export const traces = (query: TraceQuery, signal?: AbortSignal) => get<Listing<TraceRow>>('/api/v1/traces', { ...query }, signal)
export const trace = (id: string, signal?: AbortSignal) => get<TraceDetail>(`/api/v1/traces/${part(id)}`, {}, signal)

export interface NewFeedback {
  name: string
  value: unknown
  rationale?: string
  span?: string
}

/** Feedback of a person, through MLflow's own route. */
export const addFeedback = (id: string, { name, value, rationale, span }: NewFeedback) => {
  const now = new Date().toISOString()
  return post<unknown>(`/api/3.0/mlflow/traces/${part(id)}/assessments`, {
    assessment: {
      assessment_name: name,
      trace_id: id,
      span_id: span,
      source: { source_type: 'HUMAN', source_id: 'web' },
      create_time: now,
      last_update_time: now,
      feedback: { value },
      rationale,
    },
  })
}
