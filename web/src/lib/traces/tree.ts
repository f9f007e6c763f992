/** A trace's spans as a tree in the order in which they began, with their places on the time axis. */
import type { Span } from '../../api/traces'

export interface SpanLine {
  span: Span
  depth: number
  /** Milliseconds since the trace began. */
  start: number
  /** Milliseconds. */
  took: number
  /** How many spans are below it. */
  below: number
}

export interface SpanTree {
  lines: SpanLine[]
  /** Milliseconds from the first beginning to the last end. */
  total: number
}

export function spanTree(spans: Span[]): SpanTree {
  const begin = spans.reduce((least, { start_ms }) => Math.min(least, start_ms), Infinity)
  const ids = new Set(spans.map(({ span_id }) => span_id))
  const children = new Map<string, Span[]>()
  for (const span of spans) {
    // A span whose parent is not here is shown on the first level rather than lost.
    const parent = span.parent_id && ids.has(span.parent_id) && span.parent_id !== span.span_id ? span.parent_id : ''
    children.set(parent, [...(children.get(parent) ?? []), span])
  }
  const lines: SpanLine[] = []
  const seen = new Set<string>()
  let total = 0
  const walk = (span: Span, depth: number): number => {
    if (seen.has(span.span_id)) return 0
    seen.add(span.span_id)
    const start = span.start_ms - begin
    const line: SpanLine = { span, depth, start, took: Math.max(0, span.duration_ms ?? 0), below: 0 }
    lines.push(line)
    total = Math.max(total, start + line.took)
    for (const child of order(children.get(span.span_id) ?? [])) line.below += 1 + walk(child, depth + 1)
    return line.below
  }
  for (const root of order(children.get('') ?? [])) walk(root, 0)
  // What is left only leads round in a circle.
  for (const span of spans) walk(span, 0)
  // A span without an end lasts as long as the trace does.
  for (const line of lines) if (line.span.duration_ms === null) line.took = Math.max(0, total - line.start)
  return { lines, total: total || 1 }
}

const order = (spans: Span[]): Span[] => spans.toSorted((a, b) => a.start_ms - b.start_ms)

/** The lines that are seen when some spans are closed. */
export function unfolded(lines: SpanLine[], closed: ReadonlySet<string>): SpanLine[] {
  const shown: SpanLine[] = []
  let hiddenBelow = Infinity
  for (const line of lines) {
    if (line.depth > hiddenBelow) continue
    hiddenBelow = Infinity
    shown.push(line)
    if (closed.has(line.span.span_id)) hiddenBelow = line.depth
  }
  return shown
}

/** The hue of a kind of span, from the series tokens. */
export function spanHue(type: string | null): string {
  const hues: Record<string, string> = {
    CHAIN: '--series-7', AGENT: '--series-8', TOOL: '--series-2', CHAT_MODEL: '--series-1', LLM: '--series-1',
    RETRIEVER: '--series-5', EMBEDDING: '--series-3', RERANKER: '--series-6', PARSER: '--series-4', MEMORY: '--series-4',
  }
  return `var(${hues[(type ?? '').toUpperCase()] ?? '--reference'})`
}

/** Attributes that the page shows elsewhere. */
export function plainAttributes(attributes: Record<string, unknown>): [string, unknown][] {
  return Object.entries(attributes).filter(([key]) => !/^mlflow\.(spanInputs|spanOutputs|spanType|traceRequestId)$/.test(key)).sort(([a], [b]) => a.localeCompare(b))
}
