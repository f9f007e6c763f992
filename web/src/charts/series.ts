import uPlot from 'uplot'
import { number } from '../lib/format'
import { colour } from '../lib/theme.svelte'

/** One curve. */
export interface Series {
  label: string
  values: (number | null)[]
  /** A colour token, such as `--series-1`. */
  token: string
  dashed?: boolean
  /** A band between two further lists, such as a confidence interval. */
  low?: (number | null)[]
  high?: (number | null)[]
  points?: boolean
  /** Nothing is known between the values: do not draw a line across. */
  gaps?: boolean
}

/** A vertical line with a word: a release, an incident. */
export interface Marker {
  /** In the unit of the x axis. */
  at: number
  label: string
  token: string
}

/** A horizontal line with a word: a threshold. */
export interface Level {
  at: number
  label: string
  token: string
}

export interface ChartOptions {
  width: number
  height: number
  x: number[]
  series: Series[]
  markers: Marker[]
  levels: Level[]
  /** The x axis is time in seconds. */
  time: boolean
  format: (value: number) => string
  sync?: string
  floor?: number
  onCursor: (index: number | null) => void
}

/** The data in uPlot's order: x, then each series, then the bands' edges. */
function columns(options: ChartOptions): uPlot.AlignedData {
  const bands = options.series.flatMap(({ low, high }) => (low && high ? [high, low] : []))
  return [options.x, ...options.series.map(({ values }) => values), ...bands] as uPlot.AlignedData
}

/** A uPlot in the theme's colours. Legends and readings are the component's, in HTML. */
export function chart(options: ChartOptions, target: HTMLElement): uPlot {
  const [line, faint] = [colour('--line'), colour('--faint')]
  const bands: uPlot.Band[] = []
  const edges: uPlot.Series[] = []
  for (const { low, high, token } of options.series) {
    if (!low || !high) continue
    const first = 1 + options.series.length + edges.length
    bands.push({ series: [first, first + 1], fill: alpha(colour(token), 0.16) })
    edges.push({ width: 0, points: { show: false } }, { width: 0, points: { show: false } })
  }
  const axis: uPlot.Axis = {
    stroke: faint,
    font: '11px "JetBrains Mono", monospace',
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    gap: 6,
  }
  return new uPlot(
    {
      width: options.width,
      height: options.height,
      padding: [12, options.time ? 30 : 16, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 7, width: 0, fill: (_plot, index) => colour(options.series[index - 1]?.token ?? '--text') },
        sync: options.sync ? { key: options.sync } : undefined,
      },
      scales: { x: { time: options.time, range: xRange(options) }, y: { range: (_plot, low, high) => yRange(low, high, options) } },
      axes: [
        { ...axis, grid: { show: false }, size: 26, space: 70, values: (_plot, ticks) => ticks.map((tick, place) => (options.time ? clock(tick, (ticks[1] ?? tick) - (ticks[0] ?? tick), place === 0) : Number.isInteger(tick) ? String(tick) : '')) },
        { ...axis, size: 52, space: 28, values: (_plot, ticks) => ticks.map(options.format) },
      ],
      series: [
        {},
        ...options.series.map(({ label, token, dashed, points, gaps }) => ({
          label,
          stroke: colour(token),
          width: 1.6,
          dash: dashed ? [5, 4] : undefined,
          spanGaps: !gaps,
          points: { show: points ?? (gaps || options.x.length <= 2), size: gaps ? 4 : 6, fill: colour(token) },
        })),
        ...edges,
      ],
      bands,
      hooks: {
        draw: [(plot) => drawLines(plot, options)],
        setCursor: [(plot) => options.onCursor(plot.cursor.idx ?? null)],
      },
    },
    columns(options),
    target,
  )
}

/** A tick of the time axis: seconds, minutes or days, as fine as the ticks lie apart. */
export function clock(at: number, apart: number, first: boolean): string {
  const time = new Date(at * 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${two(time.getMonth() + 1)}-${two(time.getDate())}`
  if (apart >= 86_400) return day
  const hour = `${two(time.getHours())}:${two(time.getMinutes())}`
  if (apart < 60) return `${hour}:${two(time.getSeconds())}`
  return first && apart >= 3600 ? `${day} ${hour}` : hour
}

function xRange(options: ChartOptions): uPlot.Scale.Range {
  return (_plot, low, high) => {
    if (low === null || high === null) return [0, 1]
    if (low === high) return options.time ? [low - 30, high + 30] : [low - 1, high + 1]
    return [low, high]
  }
}

function yRange(low: number | null, high: number | null, options: ChartOptions): [number, number] {
  let least = low ?? 0
  let most = high ?? 1
  for (const { at } of options.levels) {
    least = Math.min(least, at)
    most = Math.max(most, at)
  }
  if (options.floor !== undefined) least = Math.min(least, options.floor)
  const room = (most - least || Math.abs(most) || 1) * 0.08
  return [options.floor !== undefined && least >= options.floor ? options.floor : least - room, most + room]
}

function drawLines(plot: uPlot, options: ChartOptions): void {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top - 12 * scale, bbox.width, bbox.height + 12 * scale)
  ctx.clip()
  ctx.font = `${10.5 * scale}px "JetBrains Mono", monospace`
  ctx.lineWidth = scale
  for (const { at, label, token } of options.levels) {
    const y = Math.round(plot.valToPos(at, 'y', true))
    ctx.strokeStyle = ctx.fillStyle = colour(token)
    ctx.setLineDash([4 * scale, 4 * scale])
    stroke(ctx, bbox.left, y, bbox.left + bbox.width, y)
    write(ctx, label, bbox.left + 6 * scale, y - 4 * scale)
  }
  ctx.setLineDash([])
  // Words that would lie on one another go to the next of three rows; a fourth is left out, its line stays.
  const taken: [number, number][][] = [[], [], []]
  const seen = options.markers
    .map((marker) => ({ ...marker, x: Math.round(plot.valToPos(marker.at, 'x', true)) }))
    .filter(({ x }) => x >= bbox.left && x <= bbox.left + bbox.width)
    .toSorted((a, b) => a.x - b.x)
  ctx.globalAlpha = 0.75
  for (const { x, token } of seen) {
    ctx.strokeStyle = colour(token)
    stroke(ctx, x, bbox.top, x, bbox.top + bbox.height)
  }
  ctx.globalAlpha = 1
  for (const { x, label, token } of seen) {
    if (!label) continue
    ctx.fillStyle = colour(token)
    const width = ctx.measureText(label).width
    const right = x + width + 8 * scale > bbox.left + bbox.width
    const from = right ? x - width - 4 * scale : x + 4 * scale
    const row = taken.findIndex((spans) => spans.every(([low, high]) => from > high + 6 * scale || from + width < low - 6 * scale))
    if (row < 0) continue
    taken[row]?.push([from, from + width])
    write(ctx, label, from, bbox.top + (9 + row * 13) * scale)
  }
  ctx.restore()
}

/** Words with a rim in the colour of the ground, so that lines behind do not cross them out. */
function write(ctx: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  ctx.save()
  ctx.setLineDash([])
  ctx.strokeStyle = colour('--panel')
  ctx.lineWidth = 4 * devicePixelRatio
  ctx.lineJoin = 'round'
  ctx.strokeText(text, x, y)
  ctx.restore()
  ctx.fillText(text, x, y)
}

function stroke(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  ctx.beginPath()
  ctx.moveTo(x1 + 0.5, y1 + 0.5)
  ctx.lineTo(x2 + 0.5, y2 + 0.5)
  ctx.stroke()
}

function alpha(hex: string, opacity: number): string {
  const digits = Math.round(opacity * 255).toString(16).padStart(2, '0')
  return /^#[0-9a-f]{6}$/i.test(hex) ? hex + digits : hex
}

export const plain = (value: number): string => number(value, 3)
