/** What the parts of the table of runs share. */
import type { Column, ColumnInfo, Value } from '../../api/runs'
import type { Hover } from '../../charts/hover.svelte'
import type { Sparklines } from '../../lib/runs/sparklines.svelte'
import type { Line } from '../../lib/runs/outline.svelte'
import { figure, isFigure, label, parse, smallIsGood, sparklineKey, usualWidth, type Entity } from '../../lib/runs/columns'

export const rowHeight = 29
export const headHeight = 32
export const nameColumn: Column = 'attributes.run_name'

/** A column as the table draws it. */
export interface GridColumn {
  column: Column
  label: string
  width: number
  /** Values line up on the right. */
  figure: boolean
  kind: 'curve' | 'status' | 'time' | 'duration' | 'experiment' | 'metric' | 'number' | 'text'
  sparkline?: string
  /** For metrics: where a value stands between the least and the most of all runs. */
  least?: number
  most?: number
  /** For metrics: which end is good. */
  small?: boolean
  /** Metrics, parameters and tags have a hue each. */
  entity: Entity
}

/**
 * A place for a loose column. When one leaves on the left, its place goes to the one that comes on the right: the
 * elements stay where they are in the document, and only their texts and positions change.
 */
export interface Slot {
  slot: number
  /** None falls to it now. */
  column?: GridColumn
  index: number
  left: number
}

/** The number in a window that falls to a slot, if there are so many slots; -1 if none does. */
export function occupant(slot: number, slots: number, first: number, end: number): number {
  const at = first + ((((slot - first) % slots) + slots) % slots)
  return at < end ? at : -1
}

export function gridColumn(column: Column, infos: Map<Column, ColumnInfo>, widths: Record<Column, number>): GridColumn {
  const info = infos.get(column)
  const { entity, key } = parse(column)
  const curve = sparklineKey(column)
  const kind: GridColumn['kind'] =
    curve !== undefined ? 'curve'
    : entity === 'metrics' ? 'metric'
    : entity !== 'attributes' ? (info?.kind === 'number' ? 'number' : 'text')
    : key === 'status' ? 'status'
    : key === 'duration' ? 'duration'
    : key === 'experiment_id' ? 'experiment'
    : key.endsWith('_time') ? 'time'
    : 'text'
  return {
    column, kind, entity: curve === undefined ? entity : 'metrics',
    label: label(column),
    width: widths[column] ?? usualWidth(column),
    figure: curve === undefined && isFigure(column, info?.kind),
    sparkline: curve,
    least: kind === 'metric' ? figure(info?.least) : undefined,
    most: kind === 'metric' ? figure(info?.most) : undefined,
    small: kind === 'metric' ? smallIsGood(key) : undefined,
  }
}

/** What rows need to know and do; one object for all of them. */
export interface GridContext {
  hover: Hover
  sparklines: Sparklines
  experiment: (id: string) => string
  seen: (id: string) => boolean
  selected: (id: string) => boolean
  toggleEye: (id: string) => void
  select: (line: number, id: string, range: boolean) => void
  open: (line: Line) => void
  measures: Column[]
  groups: Column[]
  /** The time now, coarsely. */
  now: () => number
}

/** How far along its column's range a metric's value lies, in per cent; nothing where there is no range. */
export function along(column: GridColumn, value: Value | undefined): number | undefined {
  const { least, most } = column
  if (least === undefined || most === undefined || !(most > least)) return undefined
  const share = (figure(value) - least) / (most - least)
  return Number.isFinite(share) ? Math.max(0, Math.min(1, share)) * 100 : undefined
}
