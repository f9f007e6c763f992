import { part } from '../api/client'
import { short } from './format'

/** A name in the journal: `kind:identifier`. */
export interface Reference {
  kind: string
  id: string
}

export function parse(text: string): Reference {
  const place = text.indexOf(':')
  return place < 0 ? { kind: '', id: text } : { kind: text.slice(0, place), id: text.slice(place + 1) }
}

/** How it is written for people: long hashes shortened. */
export function label(text: string): string {
  const { kind, id } = parse(text)
  if (kind === 'dataset') {
    const [name, commit] = id.split('@')
    return commit ? `${name}@${commit.length > 20 ? short(commit) : commit}` : (name ?? id)
  }
  if (['prepared', 'pipeline', 'run', 'sweep', 'report', 'alert', 'incident', 'rollout', 'job', 'runbook'].includes(kind)) {
    // Identifiers are ordered by time, so that their last digits tell them apart best; hashes are random all over.
    return id.length > 12 ? (kind === 'prepared' || kind === 'pipeline' ? short(id) : id.slice(-8)) : id
  }
  return id
}

/** The page that shows it. */
export function page(text: string): string {
  const { kind, id } = parse(text)
  switch (kind) {
    case 'dataset': {
      const [name, rest] = id.split('@')
      const commit = rest?.split('/')[0]
      return `/datasets/${part(name ?? id)}${commit ? `?reference=${part(commit)}` : ''}`
    }
    case 'run':
      return `/runs/${part(id)}`
    case 'model': {
      const [name, version] = id.split('/')
      return version ? `/models/${part(name ?? '')}/${part(version)}` : `/models/${part(id)}`
    }
    case 'endpoint':
      return `/endpoints/${part(id)}`
    case 'revision':
      return `/endpoints/${part(id.split('/')[0] ?? id)}`
    case 'report':
      return `/reports/${part(id)}`
    case 'incident':
      return `/incidents/${part(id)}`
    default:
      return `/lineage?of=${part(text)}`
  }
}

/** A revision keeps its colour for life, so that two looks can be compared. No hue of an alarm is among them. */
export function revisionHue(revision: number): string {
  const hues = [1, 3, 7, 4, 8, 5, 2]
  return `var(--series-${hues[(revision - 1) % hues.length]})`
}

/** The hue of a kind, from the series tokens. */
export function hue(kind: string): string {
  const hues: Record<string, string> = {
    dataset: '--series-7',
    prepared: '--series-3',
    pipeline: '--series-3',
    sweep: '--series-2',
    run: '--series-2',
    model: '--series-8',
    endpoint: '--series-1',
    revision: '--series-1',
    report: '--series-5',
    rollout: '--series-4',
    alert: '--bad',
    incident: '--bad',
  }
  return `var(${hues[kind] ?? '--faint'})`
}
