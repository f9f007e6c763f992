/** Scales of charts that we draw ourselves: linear, logarithmic, or one place for each text. */
import { cellNumber } from '../lib/runs/columns'

export interface Scale {
  kind: 'linear' | 'log' | 'texts'
  low: number
  high: number
  /** What stands where, if it is a scale of texts. */
  texts: string[]
}

/** Given the values of a column: numbers if nearly all are. */
export function scaleOf(values: (number | string | null)[], log: boolean): Scale {
  const there = values.filter((value): value is number | string => value !== null && value !== '')
  const numbers = there.map(Number)
  const finite = numbers.filter(Number.isFinite)
  const numeric = there.length > 0 && finite.length >= there.length * 0.9
  if (!numeric) {
    const texts = [...new Set(there.map(String))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    return { kind: 'texts', low: 0, high: Math.max(1, texts.length - 1), texts }
  }
  const useful = log ? finite.filter((value) => value > 0) : finite
  let low = Infinity
  let high = -Infinity
  for (const value of useful) {
    if (value < low) low = value
    if (value > high) high = value
  }
  if (!(low <= high)) return { kind: 'linear', low: 0, high: 1, texts: [] }
  if (low === high) {
    const room = Math.abs(low) * 0.1 || 1
    return log ? { kind: 'log', low: low / 2, high: high * 2, texts: [] } : { kind: 'linear', low: low - room, high: high + room, texts: [] }
  }
  return { kind: log ? 'log' : 'linear', low, high, texts: [] }
}

/** From 0 at the low end to 1 at the high one; not a number where the scale has no place. */
export function position(scale: Scale, value: number | string | null | undefined): number {
  if (value === null || value === undefined || value === '') return NaN
  if (scale.kind === 'texts') {
    const place = scale.texts.indexOf(String(value))
    return place < 0 ? NaN : scale.texts.length === 1 ? 0.5 : place / scale.high
  }
  const number = Number(value)
  if (scale.kind === 'log') return number > 0 ? (Math.log(number) - Math.log(scale.low)) / (Math.log(scale.high) - Math.log(scale.low)) : NaN
  return (number - scale.low) / (scale.high - scale.low)
}

/** The number at a place from 0 to 1. */
export function valueAt(scale: Scale, place: number): number {
  if (scale.kind === 'log') return Math.exp(Math.log(scale.low) + place * (Math.log(scale.high) - Math.log(scale.low)))
  return scale.low + place * (scale.high - scale.low)
}

/** About so many round numbers, or texts, with their places. */
export function ticks(scale: Scale, wanted: number): { at: number; text: string }[] {
  if (scale.kind === 'texts') {
    const step = Math.max(1, Math.ceil(scale.texts.length / Math.max(2, wanted * 2)))
    return scale.texts.filter((_, index) => index % step === 0).map((text) => ({ at: position(scale, text), text }))
  }
  const values = scale.kind === 'log' ? powers(scale, wanted) : rounds(scale.low, scale.high, wanted)
  return values.map((value) => ({ at: position(scale, value), text: brief(value) }))
}

function rounds(low: number, high: number, wanted: number): number[] {
  const rough = (high - low) / Math.max(1, wanted)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough) ?? rough
  const found: number[] = []
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) found.push(Number((at * step).toPrecision(12)))
  return found
}

function powers(scale: Scale, wanted: number): number[] {
  const [from, to] = [Math.floor(Math.log10(scale.low)), Math.ceil(Math.log10(scale.high))]
  const few = to - from <= 2
  const every = Math.max(1, Math.ceil((to - from) / Math.max(1, wanted)))
  const found: number[] = []
  for (let power = from; power <= to; power += every) for (const times of few ? [1, 2, 5] : [1]) found.push(Number((times * 10 ** power).toPrecision(3)))
  const seen = found.filter((value) => value >= scale.low * 0.999 && value <= scale.high * 1.001)
  return seen.length >= 2 ? seen : [scale.low, scale.high]
}

/** A tick's number, short. */
export function brief(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(Number(value.toPrecision(1)) === value ? 0 : 1)
  return cellNumber(Number(value.toPrecision(4))).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
}
