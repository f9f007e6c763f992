import type { Entry } from '../api/types'
import { fixed, number, percent, words } from './format'

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
  drift: 'found drift at',
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
  if (entry.verb === 'drift') return facts.status === 'ok' ? 'ok' : facts.status === 'alert' ? 'bad' : 'warn'
  if (entry.verb === 'gate') return facts.passed === false ? 'bad' : 'ok'
  if (/resolve$/.test(entry.verb) || entry.verb === 'readback') return 'ok'
  if (/^(register|alias)$/.test(entry.verb)) return 'violet'
  if (/^(deploy|traffic)$/.test(entry.verb)) return 'accent'
  if (/^(commit|tag|merge)$/.test(entry.verb)) return 'info'
  return 'plain'
}

const quiet = new Set(['seconds', 'cost', 'bytes', 'new_bytes', 'hash', 'tree', 'text', 'command'])

/** The most telling facts of an entry, in one line. */
export function gist(facts: Entry['facts']): string {
  if (!facts || typeof facts !== 'object') return ''
  for (const key of ['text', 'title', 'message', 'reason', 'summary']) {
    const value = facts[key]
    if (typeof value === 'string' && value) return value
  }
  return Object.entries(facts)
    .filter(([key, value]) => !quiet.has(key) && simple(value))
    .slice(0, 4)
    .map(([key, value]) => `${words(key)} ${shown(key, value)}`)
    .join(' · ')
}

function simple(value: unknown): boolean {
  return ['number', 'boolean'].includes(typeof value) || (typeof value === 'string' && value.length > 0 && value.length <= 48)
}

function shown(key: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'number') return String(value)
  if (/auc|brier|loss/.test(key)) return fixed(value, 3)
  if (/percent/.test(key)) return percent(value)
  return number(value)
}
