import type { Entry, Facts } from '../api/types'
import { fixed, number, percent, share, words } from './format'

export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'violet' | 'plain' | 'accent'

/** What an entry's verb says, as a person would. */
const said: Record<string, string> = {
  commit: 'committed',
  tag: 'tagged',
  merge: 'merged',
  validate: 'validated',
  prepare: 'prepared',
  'run.finish': 'finished run',
  'sweep.finish': 'finished sweep',
  register: 'registered',
  gate: 'checked gates of',
  alias: 'moved alias of',
  deploy: 'deployed',
  traffic: 'moved traffic of',
  rollback: 'rolled back',
  readback: 'read back',
  'rollout.start': 'began',
  'rollout.step': 'judged a step of',
  'rollout.end': 'ended',
  monitor: 'set the monitor of',
  branch: 'branched',
  drift: 'evaluated',
  'alert.fire': 'fired',
  'alert.resolve': 'resolved',
  'incident.open': 'opened',
  'incident.acknowledge': 'acknowledged',
  'incident.resolve': 'resolved',
  action: 'acted on',
  postmortem: 'wrote post-mortem of',
  reproduce: 'reproduced',
}

export function verb(entry: Pick<Entry, 'verb'>): string {
  return said[entry.verb] ?? words(entry.verb.replaceAll('.', ' '))
}

/** The colour that an entry deserves. */
export function tone(entry: Pick<Entry, 'verb' | 'facts'>): Tone {
  const facts = entry.facts ?? {}
  if (entry.verb === 'alert.fire' || entry.verb === 'incident.open') return 'bad'
  if (entry.verb === 'rollback') return 'warn'
  if (entry.verb.startsWith('rollout')) return 'accent'
  if (entry.verb === 'action') return 'info'
  if (entry.verb === 'drift') return facts.status === 'ok' ? 'ok' : facts.status === 'alert' ? 'bad' : 'warn'
  if (entry.verb === 'gate') return facts.passed === false ? 'bad' : 'ok'
  if (/resolve$/.test(entry.verb) || entry.verb === 'readback') return 'ok'
  if (/^(register|alias)$/.test(entry.verb)) return 'violet'
  if (/^(deploy|traffic)$/.test(entry.verb)) return 'accent'
  if (/^(commit|tag|merge)$/.test(entry.verb)) return 'info'
  return 'plain'
}

const quiet = /^(seconds|cost|bytes|new_bytes|.*hash|tree|command|.*_ms|.*_id|seed|code|process_id|generation|.*seconds|after)$/

/** The most telling facts of an entry, in one line. */
export function gist(entry: Pick<Entry, 'verb' | 'facts'>): string {
  const facts = entry.facts
  if (!facts || typeof facts !== 'object') return ''
  if (entry.verb === 'drift' && typeof facts.share_drifted === 'number') {
    const auc = typeof facts.realised_auc === 'number' ? `, realised AUC ${fixed(facts.realised_auc, 3)}` : ''
    return `${share(facts.share_drifted)} of the columns drifted${auc}`
  }
  for (const key of ['text', 'title', 'message', 'reason', 'summary']) {
    const value = facts[key]
    if (typeof value === 'string' && value) return value
  }
  // The headline of a run hides in its metrics.
  const metrics = facts.metrics && typeof facts.metrics === 'object' ? (facts.metrics as Facts) : {}
  const told: [string, unknown][] = Object.entries(metrics).filter(([key]) => /^(val|test)_auc$/.test(key))
  return [...Object.entries(facts), ...told]
    .filter(([key, value]) => !quiet.test(key) && simple(value))
    .slice(0, 4)
    .map(([key, value]) => `${words(key)} ${shown(key, value)}`)
    .join(' · ')
}

function simple(value: unknown): boolean {
  // What is not so is seldom news.
  return typeof value === 'number' || value === true || (typeof value === 'string' && value.length > 0 && value.length <= 48)
}

function shown(key: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'number') return String(value)
  if (/auc|brier|loss/.test(key)) return fixed(value, 3)
  if (/percent/.test(key)) return percent(value)
  return number(value)
}
