/** What happened to a registered model, and who is told of it. */
import { get, listing, part, type Listing } from './client'

export interface HistoryEntry {
  seq: number
  time_ms: number
  actor: string
  verb: string
  /** None where it is about the model as a whole. */
  version?: number | null
  /** What happened, in words. */
  text: string
  facts: Record<string, unknown> | null
}

export const modelHistory = async (name: string, signal?: AbortSignal): Promise<HistoryEntry[]> =>
  listing(await get<HistoryEntry[] | Listing<HistoryEntry>>(`/api/v1/models/${part(name)}/history`, {}, signal)).items

export interface Webhook {
  webhook_id: string
  name: string
  url: string
  status: string
  events: { entity: string; action: string }[]
  description?: string
}

/** Through MLflow's own route. */
export const webhooks = async (signal?: AbortSignal): Promise<Webhook[]> =>
  (await get<{ webhooks?: Webhook[] }>('/api/2.0/mlflow/webhooks', { max_results: 100 }, signal)).webhooks ?? []
