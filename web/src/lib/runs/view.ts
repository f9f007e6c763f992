/** How somebody looks at runs: what a link carries and a saved view keeps. */
import type { Axis, Best, Column, Stage } from '../../api/runs'

export interface Order {
  column: Column
  down: boolean
}

/** Which runs have a curve: the first so many of the table, more or fewer. */
export interface Eyes {
  first: number
  plus: string[]
  minus: string[]
}

/** What is picked on an axis: from and to, or some of its texts. */
export type Picked = { from: number; to: number } | { texts: string[] }

export interface TableView {
  experiments: string[]
  filter: string
  stage: Stage
  order: Order[]
  /** Columns, in order; `metrics.*` stands for all metrics, `-COLUMN` leaves one out. None means the usual ones. */
  columns: string[]
  pins: Column[]
  widths: Record<Column, number>
  groups: Column[]
  measures: Column[]
  /** Nested runs below their parents, where nothing else orders them. */
  nested: boolean
  mode: 'table' | 'leaderboard'
  /** Which value ranks; the metric's name decides without. */
  best: Best | ''
  /** The leaderboard's metric. */
  metric: string
  layout: 'table' | 'both' | 'charts'
  /** The table's part of the width, in per cent, if charts stand beside it. */
  split: number
  chart: 'curves' | 'scatter' | 'parallel'
  /** Metrics with a chart of their own. None means some. */
  curves: string[]
  axis: Axis
  /** Which axes are logarithmic: `x`, `y`. */
  logs: string[]
  /** From 0 to 0.99. */
  smooth: number
  eyes: Eyes
  /** Horizontal, vertical and colour of the scatter plot. */
  scatter: { x: Column; y: Column; colour: Column; logs: string[] }
  parallel: { axes: Column[]; logs: Column[]; colour: Column }
  picked: Record<Column, Picked>
}

export const usual: TableView = {
  experiments: [],
  filter: '',
  stage: 'ACTIVE_ONLY',
  order: [],
  columns: [],
  pins: [],
  widths: {},
  groups: [],
  measures: [],
  nested: true,
  mode: 'table',
  best: '',
  metric: '',
  layout: 'both',
  split: 56,
  chart: 'curves',
  curves: [],
  axis: 'step',
  logs: [],
  smooth: 0,
  eyes: { first: 10, plus: [], minus: [] },
  scatter: { x: '', y: '', colour: '', logs: [] },
  parallel: { axes: [], logs: [], colour: '' },
  picked: {},
}

type Query = Record<string, string | undefined>

const escape = (item: string) => item.replace(/[%,:]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
const unescape = (item: string) => item.replace(/%(25|2C|3A)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))

/** Texts as one: joined by commas. */
export const join = (items: string[]): string | undefined => (items.length ? items.map(escape).join(',') : undefined)
export const split = (text: string | null): string[] => (text ? text.split(',').map(unescape) : [])

/** The part of a link's query that differs from the usual view; what is as usual is there as undefined. */
export function encode(view: TableView): Query {
  const { eyes, scatter, parallel } = view
  const plain = (value: string, common: string) => (value === common ? undefined : value)
  return {
    experiment: join(view.experiments),
    filter: view.filter || undefined,
    view: plain(view.stage, usual.stage),
    order: join(view.order.map(({ column, down }) => `${column} ${down ? 'DESC' : 'ASC'}`)),
    cols: join(view.columns),
    pin: join(view.pins),
    w: pairs(Object.entries(view.widths).map(([column, width]) => [column, String(Math.round(width))])),
    group: join(view.groups),
    measure: join(view.measures),
    flat: view.nested ? undefined : '1',
    mode: plain(view.mode, usual.mode),
    by: view.best || undefined,
    metric: view.metric || undefined,
    layout: plain(view.layout, usual.layout),
    split: view.split === usual.split ? undefined : String(Math.round(view.split)),
    chart: plain(view.chart, usual.chart),
    curves: join(view.curves),
    axis: plain(view.axis, usual.axis),
    log: join(view.logs),
    smooth: view.smooth ? String(view.smooth) : undefined,
    first: eyes.first === usual.eyes.first ? undefined : String(eyes.first),
    plus: join(eyes.plus),
    minus: join(eyes.minus),
    sx: scatter.x || undefined,
    sy: scatter.y || undefined,
    sc: scatter.colour || undefined,
    slog: join(scatter.logs),
    axes: join(parallel.axes),
    alog: join(parallel.logs),
    ac: parallel.colour || undefined,
    pick: pairs(Object.entries(view.picked).flatMap(([column, one]) => ('from' in one ? [[column, 'r', String(one.from), String(one.to)]] : [[column, 't', ...one.texts]]))),
  }
}

/** The view that a link's query tells. Whatever is wrong in it counts as not there. */
export function decode(query: URLSearchParams): TableView {
  const text = (key: string) => query.get(key) ?? ''
  const list = (key: string) => split(query.get(key))
  const one = <T extends string>(key: string, allowed: readonly T[], common: T): T => allowed.find((word) => word === text(key)) ?? common
  const number = (key: string, low: number, high: number, common: number) => {
    const value = Number(text(key) || NaN)
    return value >= low && value <= high ? value : common
  }
  return {
    experiments: list('experiment'),
    filter: text('filter'),
    stage: one('view', ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'], usual.stage),
    order: list('order').map(order),
    columns: list('cols'),
    pins: list('pin'),
    widths: Object.fromEntries(tuples(query.get('w')).flatMap(([column, width]) => (column && Number(width) > 0 ? [[column, Number(width)]] : []))),
    groups: list('group'),
    measures: list('measure'),
    nested: text('flat') !== '1',
    mode: one('mode', ['table', 'leaderboard'], usual.mode),
    best: one<Best | ''>('by', ['min', 'max', 'last'], ''),
    metric: text('metric'),
    layout: one('layout', ['table', 'both', 'charts'], usual.layout),
    split: number('split', 15, 85, usual.split),
    chart: one('chart', ['curves', 'scatter', 'parallel'], usual.chart),
    curves: list('curves'),
    axis: one('axis', ['step', 'time', 'relative'], usual.axis),
    logs: list('log'),
    smooth: number('smooth', 0, 0.99, 0),
    eyes: { first: number('first', 0, 100, usual.eyes.first), plus: list('plus'), minus: list('minus') },
    scatter: { x: text('sx'), y: text('sy'), colour: text('sc'), logs: list('slog') },
    parallel: { axes: list('axes'), logs: list('alog'), colour: text('ac') },
    picked: Object.fromEntries(tuples(query.get('pick')).flatMap(([column, kind, ...rest]) => pick(column, kind, rest))),
  }
}

/** The view that somebody kept as JSON; what is missing or odd is as usual. */
export function restore(kept: unknown, experiments: string[]): TableView {
  const query = new URLSearchParams()
  if (kept && typeof kept === 'object') {
    for (const [key, value] of Object.entries(kept)) if (typeof value === 'string') query.set(key, value)
  }
  return { ...decode(query), experiments }
}

/** A view as it is kept: without the experiments, since it belongs to one. */
export function keep(view: TableView): Record<string, string> {
  const { experiment: _, ...rest } = encode(view)
  return Object.fromEntries(Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function pairs(rows: string[][]): string | undefined {
  return rows.length ? rows.map((row) => row.map(escape).join(':')).join(',') : undefined
}

function tuples(text: string | null): string[][] {
  return text ? text.split(',').map((row) => row.split(':').map(unescape)) : []
}

function order(text: string): Order {
  return { column: text.replace(/\s+(ASC|DESC)$/i, ''), down: /\sDESC$/i.test(text) }
}

function pick(column: string | undefined, kind: string | undefined, rest: string[]): [string, Picked][] {
  if (!column) return []
  if (kind === 't') return [[column, { texts: rest }]]
  const [from, to] = rest.map(Number)
  return from !== undefined && to !== undefined && from <= to ? [[column, { from, to }]] : []
}
