/** What a cell of the table of runs says: plain data, so that scrolling changes texts and not elements. */
import type { RunStatus } from '../../api/types'
import type { Value } from '../../api/runs'
import { ago, seconds } from '../../lib/format'
import { cellNumber, figure } from '../../lib/runs/columns'
import type { Line } from '../../lib/runs/outline.svelte'
import { runTone } from '../../lib/status'
import { along, type GridColumn, type GridContext } from './grid'

export interface Cell {
  text: string
  /** Classes beside those of the column. */
  tone: string
  /** How far along its column's range the value lies, as a background's size. */
  bar: string | null
  /** What the cell has no room for. */
  title: string | null
}

const empty: Cell = { text: '', tone: '', bar: null, title: null }

export function cell(line: Line, column: GridColumn, context: GridContext): Cell {
  if (line.kind === 'wait') return empty
  if (line.kind === 'group') return measured(line, column, context)
  const value = line.rows.value(line.row, column.column)
  // What is still on its way shows nothing: marks that come and go would make scrolling slow.
  if (value === undefined || value === null) return empty
  switch (column.kind) {
    case 'metric': return metric(column, value)
    case 'status': return { ...empty, text: String(value).toLowerCase(), tone: `status ${runTone[value as RunStatus] ?? 'plain'}${value === 'RUNNING' ? ' pulse' : ''}` }
    case 'time': return { ...empty, text: ago(figure(value), context.now()), tone: 'soft' }
    case 'duration': return { ...empty, text: seconds(figure(value) / 1000) }
    case 'experiment': return { ...empty, text: context.experiment(String(value)) }
    default: {
      const text = String(value)
      return { ...empty, text, title: text.length * 7 > column.width - 20 ? text : null }
    }
  }
}

function metric(column: GridColumn, value: Value): Cell {
  const share = along(column, value)
  const best = share !== undefined && share === (column.small ? 0 : 100)
  return { text: cellNumber(figure(value)), tone: best ? 'best' : '', bar: share === undefined ? null : `${share.toFixed(1)}% 2px`, title: null }
}

function measured(line: Line & { kind: 'group' }, column: GridColumn, context: GridContext): Cell {
  const place = context.measures.indexOf(column.column)
  const told = place < 0 ? undefined : line.group.measures[place]
  if (!told || told.mean === null) return empty
  return { ...empty, text: cellNumber(figure(told.mean)), title: `mean of the group; from ${cellNumber(figure(told.least))} to ${cellNumber(figure(told.most))}` }
}
