import type { LineageEdge, LineageNode } from '../api/types'

/** Where a box of the lineage stands. */
export interface Placed {
  reference: string
  made_ms?: number
  x: number
  y: number
}

export interface Curve {
  from: string
  to: string
  verb: string
  path: string
}

export interface Drawing {
  boxes: Placed[]
  curves: Curve[]
  width: number
  height: number
}

export const box = { width: 172, height: 42, across: 74, down: 14, margin: 16 }

/**
 * Place a lineage in layers from left to right: a thing stands right of everything it was made from (longest path),
 * as near to what was made of it as that allows; within a layer, things are ordered by the mean place of their
 * neighbours (Sugiyama, Tagawa & Toda 1981), so that few curves cross.
 */
export function layout(nodes: LineageNode[], edges: LineageEdge[]): Drawing {
  const known = new Set(nodes.map((node) => node.reference))
  const pairs = new Map<string, LineageEdge>()
  for (const edge of edges) {
    if (known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to) pairs.set(`${edge.from}\n${edge.to}`, edge)
  }
  const links = withoutCycles([...pairs.values()], nodes)
  const layer = ranks(nodes, links)
  const columns: string[][] = []
  for (const node of nodes) (columns[layer.get(node.reference) ?? 0] ??= []).push(node.reference)
  for (let column = 0; column < columns.length; column += 1) columns[column] ??= []
  order(columns, links)

  const tallest = Math.max(1, ...columns.map((column) => column.length))
  const step = box.height + box.down
  const height = tallest * step - box.down + 2 * box.margin
  const places = new Map<string, Placed>()
  const made = new Map(nodes.map((node) => [node.reference, node.made_ms]))
  columns.forEach((column, index) => {
    const top = box.margin + ((tallest - column.length) * step) / 2
    column.forEach((reference, row) => {
      const x = box.margin + index * (box.width + box.across)
      places.set(reference, { reference, made_ms: made.get(reference), x, y: top + row * step })
    })
  })
  const curves = links.flatMap(({ from, to, verb }) => {
    const a = places.get(from)
    const b = places.get(to)
    return a && b ? [{ from, to, verb, path: curve(a, b) }] : []
  })
  const width = columns.length * (box.width + box.across) - box.across + 2 * box.margin
  return { boxes: [...places.values()], curves, width: Math.max(width, box.width + 2 * box.margin), height }
}

function curve(a: Placed, b: Placed): string {
  const [x1, y1, x2, y2] = [a.x + box.width, a.y + box.height / 2, b.x, b.y + box.height / 2]
  const bend = Math.min(60, Math.max(24, (x2 - x1) / 2))
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}

/** Leave out what leads back (an alias that moves to and fro makes such a loop): a layering needs none. */
function withoutCycles(edges: LineageEdge[], nodes: LineageNode[]): LineageEdge[] {
  const next = new Map<string, LineageEdge[]>()
  for (const edge of edges) next.set(edge.from, [...(next.get(edge.from) ?? []), edge])
  const state = new Map<string, 'open' | 'done'>()
  const kept: LineageEdge[] = []
  for (const start of [...nodes].sort((a, b) => a.distance - b.distance)) {
    const stack: { reference: string; rest: LineageEdge[] }[] = []
    const enter = (reference: string) => {
      if (state.has(reference)) return
      state.set(reference, 'open')
      stack.push({ reference, rest: [...(next.get(reference) ?? [])] })
    }
    enter(start.reference)
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const edge = top.rest.shift()
      if (!edge) {
        state.set(top.reference, 'done')
        stack.pop()
      } else if (state.get(edge.to) !== 'open') {
        kept.push(edge)
        enter(edge.to)
      }
    }
  }
  return kept
}

function ranks(nodes: LineageNode[], links: LineageEdge[]): Map<string, number> {
  const rank = new Map(nodes.map((node) => [node.reference, 0]))
  const at = (reference: string) => rank.get(reference) ?? 0
  for (let round = 0, changed = true; changed && round <= nodes.length; round += 1) {
    changed = false
    for (const { from, to } of links) {
      if (at(to) < at(from) + 1) {
        rank.set(to, at(from) + 1)
        changed = true
      }
    }
  }
  // Sources move right, beside what they feed.
  for (let round = 0, changed = true; changed && round <= nodes.length; round += 1) {
    changed = false
    for (const { reference } of nodes) {
      const fed = links.filter((link) => link.from === reference).map((link) => at(link.to))
      const nearest = fed.length ? Math.min(...fed) - 1 : at(reference)
      if (nearest > at(reference)) {
        rank.set(reference, nearest)
        changed = true
      }
    }
  }
  const least = Math.min(0, ...rank.values())
  for (const [reference, value] of rank) rank.set(reference, value - least)
  return rank
}

function order(columns: string[][], links: LineageEdge[]): void {
  const before = new Map<string, string[]>()
  const after = new Map<string, string[]>()
  for (const { from, to } of links) {
    before.set(to, [...(before.get(to) ?? []), from])
    after.set(from, [...(after.get(from) ?? []), to])
  }
  for (let round = 0; round < 6; round += 1) {
    const place = new Map<string, number>()
    for (const column of columns) column.forEach((reference, row) => place.set(reference, row - column.length / 2))
    const neighbours = round % 2 === 0 ? before : after
    for (const column of columns) {
      const mean = (reference: string) => {
        const near = neighbours.get(reference)
        if (!near?.length) return place.get(reference) ?? 0
        return near.reduce((sum, other) => sum + (place.get(other) ?? 0), 0) / near.length
      }
      column.sort((a, b) => mean(a) - mean(b))
      column.forEach((reference, row) => place.set(reference, row - column.length / 2))
    }
  }
}
