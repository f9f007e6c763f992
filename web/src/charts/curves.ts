/** Curves of many runs: uPlot gives axes, grid and selection; the curves we draw, since their points need no common x. */
import uPlot from 'uplot'
import { seconds } from '../lib/format'
import type { Curve, Range } from '../lib/runs/curves'
import { colour } from '../lib/theme.svelte'
import { nearest } from '../lib/runs/smooth'
import { brief } from './scale'
import { clock } from './series'

export interface Drawn {
  curve: Curve
  /** As a canvas takes it. */
  stroke: string
  dash?: number[]
}

export interface CurvesOptions {
  width: number
  height: number
  axis: 'step' | 'time' | 'relative'
  logX: boolean
  logY: boolean
  extent: { x: [number, number]; y: [number, number] }
  drawn: Drawn[]
  smoothed: boolean
  onZoom: (range: Range) => void
}

export function curvesPlot(options: CurvesOptions, target: HTMLElement): uPlot {
  const { axis, logX, logY, extent } = options
  const [line, faint] = [colour('--line'), colour('--faint')]
  const common: uPlot.Axis = { stroke: faint, font: '11px "JetBrains Mono", monospace', grid: { stroke: line, width: 1 }, ticks: { show: false }, gap: 6 }
  const room = (extent.y[1] - extent.y[0]) * 0.06
  const y: [number, number] = logY ? [extent.y[0] / 1.1, extent.y[1] * 1.1] : [extent.y[0] - room, extent.y[1] + room]
  return new uPlot(
    {
      width: options.width,
      height: options.height,
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 4 } },
      scales: {
        x: { time: axis === 'time', distr: logX ? 3 : 1, range: () => extent.x },
        y: { distr: logY ? 3 : 1, range: () => y },
      },
      axes: [
        {
          ...common,
          grid: { show: false },
          size: 24,
          space: 64,
          values: (_plot, marks) => marks.map((mark, place) => (mark === null ? '' : xText(axis, mark, (marks[1] ?? mark) - (marks[0] ?? mark), place === 0))),
        },
        { ...common, size: 58, space: 28, values: (_plot, marks) => marks.map((mark) => (mark === null ? '' : brief(mark))) },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [(plot) => drawCurves(plot, options)],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select
            if (width < 4) return
            const range = { from: plot.posToVal(left, 'x'), to: plot.posToVal(left + width, 'x') }
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            options.onZoom(range)
          },
        ],
      },
    },
    [extent.x, [y[0], y[1]]] as uPlot.AlignedData,
    target,
  )
}

/** A place on the x axis, in words. */
export function xText(axis: CurvesOptions['axis'], at: number, apart: number, first: boolean): string {
  if (axis === 'time') return clock(at, apart, first)
  if (axis === 'relative') return span(at)
  return Number.isInteger(at) ? String(at) : ''
}

/** A span of time, short enough for a tick. */
function span(at: number): string {
  if (at < 90) return seconds(at)
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  return at < 5400 ? `${Math.floor(at / 60)}:${two(at % 60)}` : `${Math.floor(at / 3600)}:${two((at % 3600) / 60)} h`
}

function drawCurves(plot: uPlot, options: CurvesOptions): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.lineJoin = 'bevel'
  const many = options.drawn.length > 20
  for (const { curve, stroke, dash } of options.drawn) {
    ctx.strokeStyle = ctx.fillStyle = stroke
    ctx.setLineDash((dash ?? []).map((length) => length * devicePixelRatio))
    if (options.smoothed) {
      ctx.globalAlpha = many ? 0.12 : 0.28
      ctx.lineWidth = devicePixelRatio
      trace(plot, curve, options, ctx, true)
    }
    ctx.globalAlpha = many ? 0.8 : 1
    // Lines of one pixel are drawn several times faster than wider ones.
    ctx.lineWidth = many ? 1 : 1.6 * devicePixelRatio
    trace(plot, curve, options, ctx, !options.smoothed)
  }
  ctx.restore()
}

/**
 * One curve, pixel column by pixel column: however many points fall into a column, it is one stroke from its least to
 * its most. So the time to draw depends on the width, not on the points.
 */
function trace(plot: uPlot, curve: Curve, options: CurvesOptions, ctx: CanvasRenderingContext2D, raw: boolean): void {
  const { left, top, width, height } = plot.bbox
  const { x, least, most } = curve
  const values = raw ? curve.last : curve.smooth
  const [toX, toY] = [placer(options.extent.x, options.logX, left, width), placer(yRange(plot), options.logY, top + height, -height)]
  ctx.beginPath()
  // What differs by less is not seen among many curves.
  const rough = options.drawn.length > 20 ? 2 : 0.5
  let column = NaN
  let low = 0
  let high = 0
  let last = 0
  let drawing = false
  let points = 0
  const flush = () => {
    if (Number.isNaN(column)) return
    if (!drawing) ctx.moveTo(column, last)
    if (high - low > rough) { ctx.lineTo(column, high); ctx.lineTo(column, low) }
    ctx.lineTo(column, last)
    drawing = true
  }
  for (let index = 0; index < x.length; index += 1) {
    const at = Math.round(toX(x[index] ?? NaN))
    const value = toY(values[index] ?? NaN)
    if (!Number.isFinite(at) || !Number.isFinite(value)) {
      // What is not a number leaves a gap.
      if (Number.isFinite(at)) { flush(); column = NaN; drawing = false }
      continue
    }
    const bottom = raw ? finite(toY(least[index] ?? NaN), value) : value
    const peak = raw ? finite(toY(most[index] ?? NaN), value) : value
    points += 1
    if (at === column) {
      low = Math.min(low, peak)
      high = Math.max(high, bottom)
      last = value
      continue
    }
    flush()
    column = at
    low = peak
    high = bottom
    last = value
  }
  flush()
  ctx.stroke()
  if (points <= 1 && !Number.isNaN(column)) dot(ctx, column, last, 3 * devicePixelRatio)
}

const finite = (value: number, other: number) => (Number.isFinite(value) ? value : other)

function yRange(plot: uPlot): [number, number] {
  return [plot.scales.y?.min ?? 0, plot.scales.y?.max ?? 1]
}

/** From a value to a pixel; faster than to ask the chart for each. */
function placer([low, high]: [number, number], log: boolean, start: number, length: number): (value: number) => number {
  if (!log) return (value) => start + ((value - low) / (high - low)) * length
  const [from, to] = [Math.log(low), Math.log(high)]
  return (value) => (value > 0 ? start + ((Math.log(value) - from) / (to - from)) * length : NaN)
}

function dot(ctx: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  ctx.beginPath()
  ctx.arc(x, y, radius, 0, Math.PI * 2)
  ctx.fill()
}

/** The value of a curve nearest to a place; none if the curve does not reach there. */
export function reading({ x, smooth }: Curve, at: number): { x: number; value: number; index: number } | undefined {
  const index = nearest(x, at)
  if (index < 0) return undefined
  const [first, last] = [x[0] ?? 0, x[x.length - 1] ?? 0]
  const slack = (last - first) * 0.02
  if (at < first - slack || at > last + slack) return undefined
  return { x: x[index] ?? 0, value: smooth[index] ?? NaN, index }
}

/** The curve that runs nearest to a point of the chart, and how far away in pixels. */
export function nearestCurve(plot: uPlot, drawn: Drawn[], left: number, top: number): { drawn: Drawn; away: number } | undefined {
  const at = plot.posToVal(left, 'x')
  let best: { drawn: Drawn; away: number } | undefined
  for (const one of drawn) {
    const read = reading(one.curve, at)
    if (!read || !Number.isFinite(read.value)) continue
    const away = Math.abs(plot.valToPos(read.value, 'y') - top)
    if (!best || away < best.away) best = { drawn: one, away }
  }
  return best
}

/** What lies over the curves: the crosshair, and the run that is pointed at, the others dimmed. */
export function drawOver(canvas: HTMLCanvasElement, plot: uPlot, options: CurvesOptions, at: number | undefined, run: string | undefined): void {
  const ratio = devicePixelRatio
  const { width, height } = plot.bbox
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
    canvas.style.width = `${width / ratio}px`
    canvas.style.height = `${height / ratio}px`
  }
  const ctx = canvas.getContext('2d')
  if (!ctx) return
  ctx.clearRect(0, 0, width, height)
  ctx.save()
  ctx.translate(-plot.bbox.left, -plot.bbox.top)
  const marked = run === undefined ? [] : options.drawn.filter(({ curve }) => curve.run === run)
  if (marked.length && options.drawn.length > marked.length) {
    ctx.globalAlpha = 0.62
    ctx.fillStyle = colour('--panel')
    ctx.fillRect(plot.bbox.left, plot.bbox.top, width, height)
    ctx.globalAlpha = 1
    ctx.lineJoin = 'bevel'
    for (const { curve, stroke, dash } of marked) {
      ctx.strokeStyle = ctx.fillStyle = stroke
      ctx.lineWidth = 2.2 * ratio
      ctx.setLineDash((dash ?? []).map((length) => length * ratio))
      trace(plot, curve, options, ctx, !options.smoothed)
    }
    ctx.setLineDash([])
  }
  if (at !== undefined) {
    const x = Math.round(plot.valToPos(at, 'x', true)) + 0.5
    ctx.strokeStyle = colour('--faint')
    ctx.lineWidth = ratio
    ctx.beginPath()
    ctx.moveTo(x, plot.bbox.top)
    ctx.lineTo(x, plot.bbox.top + height)
    ctx.stroke()
    const dots = marked.length ? marked : options.drawn.length <= 24 ? options.drawn : []
    for (const { curve, stroke } of dots) {
      const read = reading(curve, at)
      if (!read || !Number.isFinite(read.value)) continue
      ctx.fillStyle = stroke
      dot(ctx, plot.valToPos(read.x, 'x', true), plot.valToPos(read.value, 'y', true), 3 * ratio)
    }
  }
  ctx.restore()
}
