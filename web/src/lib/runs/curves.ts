/** Curves of runs, as charts draw them. */
import { chart, type Axis, type RunSeries, type Value } from '../../api/runs'
import { figure } from './columns'
import { smooth } from './smooth'

export interface Curve {
  /** Unique within a chart. */
  id: string
  run: string
  key: string
  /** Measurements that it stands for. */
  total: number
  /** Steps, or seconds. */
  x: Float64Array
  least: Float64Array
  most: Float64Array
  last: Float64Array
  /** Smoothed `last`; the same array if nothing is smoothed. */
  smooth: Float64Array
}

/** A part of the axis, in the axis' unit: steps, or seconds. */
export interface Range {
  from: number
  to: number
}

/** The server takes so many runs at once. */
const runsAtOnce = 100

/** Times come in milliseconds, charts want seconds. */
const unit = (axis: Axis) => (axis === 'step' ? 1 : 1000)

export interface CurvesQuery {
  key: string
  runs: string[]
  axis: Axis
  range?: Range
  points: number
}

export async function loadCurves(query: CurvesQuery, signal?: AbortSignal): Promise<Curve[]> {
  const { key, runs, axis, range, points } = query
  const times = unit(axis)
  const parts: string[][] = []
  for (let from = 0; from < runs.length; from += runsAtOnce) parts.push(runs.slice(from, from + runsAtOnce))
  const answers = await Promise.all(
    parts.map((run_ids) =>
      chart({ run_ids, key, axis, points, ...(range ? { from: range.from * times, to: range.to * times } : {}) }, signal),
    ),
  )
  return answers.flatMap(({ series }) => series.filter(({ x }) => x.length > 0).map((one) => curve(one, key, times)))
}

/** A plain loop: with a hundred thousand values, `from` would take longer than the drawing. */
function numbers(values: Value[], divisor = 1): Float64Array {
  const found = new Float64Array(values.length)
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]
    found[index] = (typeof value === 'number' ? value : figure(value)) / divisor
  }
  return found
}

function curve({ run_id, total, x, least, most, last }: RunSeries, key: string, times: number): Curve {
  const values = numbers(last)
  return { id: `${run_id} ${key}`, run: run_id, key, total, x: numbers(x, times), least: numbers(least), most: numbers(most), last: values, smooth: values }
}

/** The same curves, smoothed. */
export function smoothed(curves: Curve[], weight: number): Curve[] {
  if (weight <= 0) return curves
  return curves.map((one) => ({ ...one, smooth: Float64Array.from(smooth(Array.from(one.last), weight)) }))
}

/** How far the curves reach; undefined if there is nothing to draw. */
export function extent(curves: Curve[], range: Range | undefined, logX: boolean, logY: boolean): { x: [number, number]; y: [number, number] } | undefined {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const { x, least, most } of curves) {
    for (let index = 0; index < x.length; index += 1) {
      const at = x[index] ?? NaN
      if (logX && !(at > 0)) continue
      if (range && (at < range.from || at > range.to)) continue
      if (at < left) left = at
      if (at > right) right = at
      const [bottom, top] = [least[index] ?? NaN, most[index] ?? NaN]
      if (bottom < low && Number.isFinite(bottom) && (!logY || bottom > 0)) low = bottom
      if (top > high && Number.isFinite(top) && (!logY || top > 0)) high = top
      if (logY && bottom <= 0 && top > 0 && top < low) low = top
    }
  }
  if (range) [left, right] = [logX ? Math.max(range.from, 1e-9) : range.from, range.to]
  if (!(left <= right)) return undefined
  if (!(low <= high)) [low, high] = logY ? [1, 10] : [0, 1]
  if (left === right) [left, right] = logX ? [left / 2, right * 2] : [left - 0.5, right + 0.5]
  if (low === high) [low, high] = logY ? [low / 2, high * 2] : [low - (Math.abs(low) * 0.05 || 0.5), high + (Math.abs(high) * 0.05 || 0.5)]
  return { x: [left, right], y: [low, high] }
}

/** Whether no run has more than one value: then there is no curve, only a value for each. */
export function single(curves: Curve[]): boolean {
  return curves.length > 0 && curves.every(({ total }) => total <= 1)
}
