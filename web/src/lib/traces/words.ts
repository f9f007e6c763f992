import type { Assessment, TraceRow, TraceState } from '../../api/traces'
import type { Tone } from '../story'

export const stateTone: Record<TraceState, Tone> = { OK: 'ok', ERROR: 'bad', IN_PROGRESS: 'info', STATE_UNSPECIFIED: 'plain' }
export const stateWord: Record<TraceState, string> = { OK: 'ok', ERROR: 'error', IN_PROGRESS: 'in progress', STATE_UNSPECIFIED: 'unknown' }

/** What an assessment says, in a word. */
export function judged({ value, error }: Assessment): { text: string; tone: Tone } {
  if (error) return { text: 'error', tone: 'warn' }
  if (value === true || value === 'yes') return { text: value === true ? 'true' : 'yes', tone: 'ok' }
  if (value === false || value === 'no') return { text: value === false ? 'false' : 'no', tone: 'bad' }
  if (value === null || value === undefined) return { text: 'none', tone: 'plain' }
  return { text: typeof value === 'object' ? JSON.stringify(value) : String(value), tone: 'plain' }
}

/** Tags that people gave, without what clients write for themselves. */
export function ownTags(tags: Record<string, string>): [string, string][] {
  return Object.entries(tags).filter(([key]) => !key.startsWith('mlflow.'))
}

/** All its tokens, if that is known. */
export const tokensOf = ({ total_tokens, input_tokens, output_tokens }: Pick<TraceRow, 'total_tokens' | 'input_tokens' | 'output_tokens'>): number | undefined =>
  total_tokens ?? (input_tokens === null ? undefined : input_tokens + (output_tokens ?? 0))

/** A request or answer in one line: the texts of JSON without its braces. */
export function preview(text: string | null): string {
  if (!text) return ''
  try {
    const value: unknown = JSON.parse(text)
    if (value === null) return ''
    if (typeof value === 'string') return value
    if (value && typeof value === 'object' && !Array.isArray(value)) {
      const entries = Object.entries(value)
      const [only] = entries
      if (entries.length === 1 && only && typeof only[1] === 'string') return only[1]
    }
  } catch {
    // Cut off, or no JSON at all.
  }
  return text
}
