/** Traces: what a program with language models in it did, and what people think of it. */
import { get, part, post, type Listing } from './client'

export type TraceState = 'OK' | 'ERROR' | 'IN_PROGRESS' | 'STATE_UNSPECIFIED'

export interface Usage {
  input_tokens?: number
  output_tokens?: number
  total_tokens?: number
}

export interface Assessment {
  assessment_id: string
  name: string
  kind: 'feedback' | 'expectation' | 'issue'
  value: unknown
  error: { error_code: string; error_message?: string | null } | null
  /** `HUMAN`, `LLM_JUDGE` or `CODE`. */
  source_type: string
  source_id: string | null
  rationale: string | null
  span_id: string | null
  create_ms: number
  /** Whether it has not been replaced by another. */
  valid: boolean
}

export interface TraceRow {
  trace_id: string
  experiment_id: string
  name: string | null
  state: TraceState
  request_ms: number
  duration_ms: number | null
  request_preview: string | null
  response_preview: string | null
  tags: Record<string, string>
  metadata: Record<string, string>
  usage: Usage | null
  cost: { total_cost?: number } | null
  assessments: Assessment[]
}

export interface SpanEvent {
  name: string
  time_ns: number | string
  attributes: Record<string, unknown>
}

export interface Span {
  span_id: string
  parent_id: string | null
  name: string
  /** `LLM`, `TOOL`, `RETRIEVER` and so on, as the client said. */
  type: string | null
  status: 'OK' | 'ERROR' | 'UNSET'
  message: string | null
  /** Since the epoch; as text where a number would lose digits. */
  start_ns: number | string
  end_ns: number | string | null
  inputs: unknown
  outputs: unknown
  attributes: Record<string, unknown>
  events: SpanEvent[]
}

export interface TraceDetail extends TraceRow {
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
