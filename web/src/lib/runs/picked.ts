/** What is picked on axes, as a filter that the table understands. */
import type { Column } from '../../api/runs'
import { cellNumber, label, parse } from './columns'
import { both, quote } from './filter'
import type { Picked } from './view'

/** A number as the filter language writes it. */
function written(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(12)))
}

/** The filter for what is picked on one axis. */
export function condition(column: Column, picked: Picked): string {
  if ('from' in picked) return `${column} BETWEEN ${written(picked.from)} AND ${written(picked.to)}`
  const { entity } = parse(column)
  if (picked.texts.length === 1) return `${column} = ${quote(picked.texts[0] ?? '')}`
  if (entity === 'attributes') return `${column} IN (${picked.texts.map(quote).join(', ')})`
  return picked.texts.map((text) => `${column} = ${quote(text)}`).join(' OR ')
}

/** The filter of a table whose axes have been picked on. */
export function filterWith(filter: string, picked: Record<Column, Picked>): string {
  return both(filter, ...Object.entries(picked).map(([column, one]) => condition(column, one)))
}

/** What is picked, in words. */
export function told(column: Column, picked: Picked): string {
  if ('from' in picked) return `${label(column)} ${cellNumber(picked.from)} to ${cellNumber(picked.to)}`
  return `${label(column)} ${picked.texts.length > 3 ? `${picked.texts.length} values` : picked.texts.join(', ')}`
}
