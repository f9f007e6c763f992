/** The columns of a table of runs: their names as the server writes them, and how people read them. */
import type { Column, ColumnInfo, Value } from '../../api/runs'
import { bytes, moment, seconds } from '../format'

export type Entity = 'attributes' | 'metrics' | 'params' | 'tags'
export type Aggregate = 'last' | 'min' | 'max' | 'first'

export interface Parts {
  entity: Entity
  key: string
  /** Which value of a metric; `last` for all else. */
  aggregate: Aggregate
}

const aggregates: readonly string[] = ['last', 'min', 'max', 'first']

/** What a column's name says. What names no entity is an attribute. */
export function parse(column: Column): Parts {
  const dot = column.indexOf('.')
  const entity = column.slice(0, dot)
  const rest = column.slice(dot + 1)
  if (entity !== 'metrics' && entity !== 'params' && entity !== 'tags') {
    return { entity: 'attributes', key: dot < 0 ? column : rest, aggregate: 'last' }
  }
  const quoted = /^`([^`]*)`(?:\.(\w+))?$/.exec(rest)
  if (quoted) return { entity, key: quoted[1] ?? '', aggregate: known(quoted[2]) ?? 'last' }
  const word = entity === 'metrics' ? known(rest.slice(rest.lastIndexOf('.') + 1)) : undefined
  if (word && rest.includes('.')) return { entity, key: rest.slice(0, rest.lastIndexOf('.')), aggregate: word }
  return { entity, key: rest, aggregate: 'last' }
}

function known(word: string | undefined): Aggregate | undefined {
  return word !== undefined && aggregates.includes(word) ? (word as Aggregate) : undefined
}

/** The name that the server reads back as this column, in filters too. */
export function name({ entity, key, aggregate }: Omit<Parts, 'aggregate'> & { aggregate?: Aggregate }): Column {
  const pieces = key.split('.')
  const plain = pieces.every((piece) => /^[A-Za-z_]\w*$/.test(piece))
  const ambiguous = entity === 'metrics' && aggregates.includes(pieces.at(-1) ?? '')
  const written = plain && !ambiguous ? key : `\`${key}\``
  return entity === 'metrics' && aggregate && aggregate !== 'last' ? `metrics.${written}.${aggregate}` : `${entity}.${written}`
}

export const metric = (key: string, aggregate: Aggregate = 'last'): Column => name({ entity: 'metrics', key, aggregate })

const attributes: Record<string, string> = {
  run_name: 'run',
  run_id: 'run id',
  experiment_id: 'experiment',
  status: 'status',
  start_time: 'started',
  end_time: 'ended',
  duration: 'took',
  user_id: 'user',
  artifact_uri: 'artifacts',
}

/** The columns that every run has. */
export const attributeColumns: Column[] = ['status', 'start_time', 'duration', 'user_id', 'experiment_id', 'end_time', 'run_id'].map((key) => `attributes.${key}`)

/** A column of small curves; the server knows no such column. */
export const sparkline = (key: string): Column => `curve:${key}`
export const sparklineKey = (column: Column): string | undefined => (column.startsWith('curve:') ? column.slice(6) : undefined)

/** The word over the column. */
export function label(column: Column): string {
  const curve = sparklineKey(column)
  if (curve !== undefined) return curve
  const { entity, key, aggregate } = parse(column)
  if (entity === 'attributes') return attributes[key] ?? key
  return aggregate === 'last' ? key : `${key} ${aggregate}`
}

/** How wide a column is at first, in pixels. */
export function usualWidth(column: Column): number {
  if (sparklineKey(column) !== undefined) return 128
  const { entity, key } = parse(column)
  if (entity === 'attributes') return { run_name: 216, status: 90, start_time: 100, end_time: 100, duration: 104, experiment_id: 130 }[key] ?? 120
  const words = 26 + label(column).length * 7
  return Math.max(entity === 'metrics' ? 92 : 100, Math.min(190, words))
}

/** Whether the values line up on the right. */
export function isFigure(column: Column, kind?: ColumnInfo['kind']): boolean {
  const { entity, key } = parse(column)
  return entity === 'metrics' || kind === 'number' || key === 'duration' || (entity === 'attributes' && key.endsWith('_time'))
}

/** A value that travelled as text, as a number. */
export function figure(value: Value | undefined): number {
  if (typeof value === 'number') return value
  if (value === null || value === undefined || value === '') return NaN
  return Number(value)
}

const formatted = new Map<number, string>()

/** A number for a cell: about five digits, quickly. */
export function cellNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value)
  const kept = formatted.get(value)
  if (kept !== undefined) return kept
  const size = Math.abs(value)
  let text: string
  // The greatest number is what MLflow makes of infinity.
  if (!Number.isFinite(value) || size >= Number.MAX_VALUE) text = Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  else if (size !== 0 && (size < 1e-4 || size >= 1e9)) text = value.toExponential(3)
  else text = value.toFixed(size >= 10_000 ? 0 : size >= 1000 ? 1 : size >= 100 ? 2 : size >= 10 ? 3 : size >= 0.1 ? 4 : size >= 0.01 ? 5 : 6)
  if (formatted.size > 50_000) formatted.clear()
  formatted.set(value, text)
  return text
}

/** What a cell says. Nothing is an empty text. */
export function cellText(column: Column, value: Value | undefined): string {
  if (value === null || value === undefined) return ''
  const { entity, key } = parse(column)
  if (entity === 'metrics') return cellNumber(figure(value))
  if (entity !== 'attributes') return String(value)
  if (key === 'duration') return seconds(figure(value) / 1000)
  if (key.endsWith('_time')) return moment(figure(value))
  return String(value)
}

/** Words for a value of a system metric. */
export function systemText(key: string, value: number): string {
  if (/megabytes$/.test(key)) return bytes(value * 1e6)
  if (/percentage$/.test(key)) return `${value.toFixed(1)} %`
  return cellNumber(value)
}

/** Metrics whose smaller values are better, to judge by their name. */
export function smallIsGood(key: string): boolean {
  return /loss|error|err\b|rmse|mae|mse|brier|perplexity|latency|nll|wer|cer/i.test(key)
}
