/** Experiments: the places for runs. */
import { get, listing, part, post, type Listing } from './client'
import type { Stage } from './runs'

export interface ExperimentInfo {
  experiment_id: string
  name: string
  artifact_location?: string
  lifecycle_stage?: 'active' | 'deleted'
  /** Milliseconds since 1970; 0 for the one that is always there. */
  creation_time?: number
  last_update_time?: number
  tags?: { key: string; value: string }[]
}

const one = (id: string) => `/api/v1/experiments/${part(id)}`

/** All of them, page after page. */
export async function allExperiments(view: Stage = 'ACTIVE_ONLY', signal?: AbortSignal): Promise<ExperimentInfo[]> {
  const found: ExperimentInfo[] = []
  for (let token: string | null | undefined; ; ) {
    const page = listing(
      await get<Listing<ExperimentInfo> | ExperimentInfo[]>('/api/v1/experiments', { view, limit: 1000, token }, signal),
    )
    found.push(...page.items)
    token = page.next_token
    // A server that hands out the same page for ever must not hold us.
    if (!token || found.length >= 20_000) return found
  }
}

export const createExperiment = (name: string, tags?: Record<string, string>) =>
  post<ExperimentInfo>('/api/v1/experiments', { name, tags })
export const renameExperiment = (id: string, name: string) => post<unknown>(one(id), { name }, 'PATCH')
export const deleteExperiment = (id: string) => post<unknown>(one(id), undefined, 'DELETE')
export const restoreExperiment = (id: string) => post<unknown>(`${one(id)}/restore`, {})
