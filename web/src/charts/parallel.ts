/** Parallel coordinates: one vertical axis for each column, one line for each run. */
import type { Column, Value } from '../api/runs'
import type { Picked } from '../lib/runs/view'
import { position, scaleOf, valueAt, type Scale } from './scale'

export interface ParallelAxis {
  column: Column
  scale: Scale
}

export interface ParallelLine {
  run: string
  /** From 0 at the bottom to 1 at the top, for each axis; not a number where the run has no value. */
  places: Float64Array
  /** Which colour of the ramp; -1 for none. */
  step: number
}

/** Where things lie, in pixels. */
export interface Box {
  left: number
  top: number
  width: number
  height: number
}

export function axesOf(columns: Column[], values: Map<Column, Value[]>, logs: Column[]): ParallelAxis[] {
  return columns.map((column) => ({ column, scale: scaleOf(values.get(column) ?? [], logs.includes(column)) }))
}

export function linesOf(axes: ParallelAxis[], runs: string[], values: Map<Column, Value[]>, steps: (row: number) => number): ParallelLine[] {
  const lists = axes.map(({ column }) => values.get(column) ?? [])
  return runs.map((run, row) => ({
    run,
    places: Float64Array.from(axes, ({ scale }, axis) => position(scale, lists[axis]?.[row])),
    step: steps(row),
  }))
}

export const axisX = (box: Box, axis: number, count: number): number => (count === 1 ? box.left + box.width / 2 : box.left + (axis / (count - 1)) * box.width)
export const placeY = (box: Box, place: number): number => box.top + (1 - place) * box.height
export const placeAt = (box: Box, y: number): number => Math.max(0, Math.min(1, 1 - (y - box.top) / box.height))

/** More texts than this make a filter that nobody can read. */
const mostTexts = 400

/**
 * What a stretch of an axis picks. Parameters and tags are texts to the filter, even where they are numbers: of them
 * the values that lie in the stretch are named.
 */
export function pick(column: Column, scale: Scale, values: Value[], from: number, to: number): Picked | undefined {
  const [low, high] = from <= to ? [from, to] : [to, from]
  if (scale.kind === 'texts' || column.startsWith('params.') || column.startsWith('tags.')) {
    const inside = (value: Value) => { const place = position(scale, value); return place >= low - 1e-9 && place <= high + 1e-9 }
    const texts = [...new Set(values.filter(inside).map(String))]
    return texts.length && texts.length <= mostTexts ? { texts: texts.sort() } : undefined
  }
  const round = (value: number) => Number(value.toPrecision(6))
  // At the ends the very values count, so that rounding leaves nobody out.
  return { from: low <= 0 ? scale.low : round(valueAt(scale, low)), to: high >= 1 ? scale.high : round(valueAt(scale, high)) }
}

/** The stretch of an axis that is picked, from low to high. */
export function stretch(scale: Scale, picked: Picked): [number, number] | undefined {
  if ('from' in picked) {
    const bottom = position(scale, picked.from)
    const top = position(scale, picked.to)
    return [Number.isFinite(bottom) ? Math.max(0, bottom) : 0, Number.isFinite(top) ? Math.min(1, top) : 1]
  }
  const places = picked.texts.map((text) => position(scale, text)).filter(Number.isFinite)
  if (places.length === 0) return undefined
  const room = scale.kind === 'texts' ? 0.4 / Math.max(1, scale.texts.length - 1) : 0.01
  return [Math.min(...places) - room, Math.max(...places) + room]
}

/** For each axis, whether a line goes through what is picked on it. */
export function fitting(axes: ParallelAxis[], picked: Record<Column, Picked>): (line: ParallelLine) => boolean {
  const tests = axes.flatMap(({ column, scale }, axis) => {
    const one = picked[column]
    if (!one) return []
    if ('from' in one) {
      const span = stretch(scale, one) ?? [1, 0]
      return [({ places }: ParallelLine) => { const place = places[axis] ?? NaN; return place >= span[0] - 1e-6 && place <= span[1] + 1e-6 }]
    }
    const there = new Set(one.texts.map((text) => position(scale, text)))
    return [({ places }: ParallelLine) => there.has(places[axis] ?? NaN)]
  })
  return (line) => tests.every((test) => test(line))
}

/** One path for many lines; what has no value leaves a gap. */
export function path(lines: ParallelLine[], box: Box, count: number): Path2D {
  const whole = new Path2D()
  const xs = Array.from({ length: count }, (_, axis) => axisX(box, axis, count))
  for (const { places } of lines) {
    let drawing = false
    for (let axis = 0; axis < count; axis += 1) {
      const place = places[axis] ?? NaN
      if (Number.isNaN(place)) { drawing = false; continue }
      const y = placeY(box, place)
      if (drawing) whole.lineTo(xs[axis] ?? 0, y)
      else whole.moveTo(xs[axis] ?? 0, y)
      drawing = true
    }
  }
  return whole
}

/** The line nearest to a point, if it is near. */
export function nearestLine(lines: ParallelLine[], box: Box, count: number, x: number, y: number, most = 12): ParallelLine | undefined {
  if (count === 0) return undefined
  const gap = count === 1 ? 1 : box.width / (count - 1)
  const axis = count === 1 ? 0 : Math.max(0, Math.min(count - 2, Math.floor((x - box.left) / gap)))
  const share = count === 1 ? 0 : Math.max(0, Math.min(1, (x - axisX(box, axis, count)) / gap))
  let best: ParallelLine | undefined
  let away = most
  for (const line of lines) {
    const [a, b] = [line.places[axis] ?? NaN, line.places[axis + 1] ?? line.places[axis] ?? NaN]
    const place = Number.isNaN(a) ? b : Number.isNaN(b) ? a : a + (b - a) * share
    const distance = Math.abs(placeY(box, place) - y)
    if (distance < away) [best, away] = [line, distance]
  }
  return best
}
