import type { Endpoint, ModelVersion } from '../api/types'
import type { Tone } from './story'

/** The figure that a version is known by. */
export function headline(version: ModelVersion): number | undefined {
  const metric = version.metrics?.val_auc
  if (typeof metric === 'number') return metric
  const gate = version.gates.find((one) => one.gate === 'auc_floor')
  return gate?.observed ?? version.bundle?.reference?.auc ?? undefined
}

/** What the gates said, in a word. */
export function gatesWord(version: ModelVersion): { text: string; tone: Tone } {
  const failed = version.gates.filter(({ passed }) => !passed).length
  if (version.gates.length === 0) return { text: 'no gates', tone: 'plain' }
  if (failed > 0) return { text: `${failed} failed${version.forced ? ', forced' : ''}`, tone: 'bad' }
  return { text: `${version.gates.length} passed`, tone: 'ok' }
}

/** Where a version is deployed, busiest first. */
export function servedBy(version: ModelVersion, endpoints: Endpoint[]) {
  return endpoints
    .flatMap(({ name, revisions }) =>
      revisions
        .filter((one) => one.model === version.name && one.version === version.version && one.percent > 0)
        .map(({ revision, percent }) => ({ endpoint: name, revision, percent })),
    )
    .sort((a, b) => b.percent - a.percent)
}
