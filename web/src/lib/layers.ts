import type { LineageEdge, LineageNode } from '../api/types'
import { parse } from './reference'

/** Where a box of the lineage stands. */
export interface Placed {
  reference: string
  /** More than one: a heap of things of one kind with the same neighbours. */
  heap: string[]
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

export const box = { width: 152, height: 42, across: 46, down: 14, margin: 16 }

/** So many things of one kind with the same neighbours, and more, are drawn as one heap. */
const HEAP = 4

/**
 * Place a lineage in layers from left to right: a thing stands right of everything it was made from (longest path),
 * as near to what was made of it as that allows; within a layer, things are ordered by the mean place of their
 * neighbours (Sugiyama, Tagawa & Toda 1981), so that few curves cross. Steps that follow from others (a dataset that
 * reaches a run by way of its preparation) are not drawn twice. Heaps whose name is in `open` are laid out singly.
 */
export function layout(nodes: LineageNode[], edges: LineageEdge[], keep: string, open: Set<string>): Drawing {
  const known = new Set(nodes.map((node) => node.reference))
  const pairs = new Map<string, LineageEdge>()
  for (const edge of edges) {
    if (known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to) pairs.set(`${edge.from}\n${edge.to}`, edge)
  }
  const direct = reduced(withoutCycles([...pairs.values()], nodes))
  const { heaps, links } = gathered(nodes, direct, keep, open)
  const names = [...heaps.keys()]
  const layer = ranks(names, links)
  const columns: string[][] = []
  for (const name of names) (columns[layer.get(name) ?? 0] ??= []).push(name)
  for (let column = 0; column < columns.length; column += 1) columns[column] ??= []
  order(columns, links)

  const tallest = Math.max(1, ...columns.map((column) => column.length))
  const step = box.height + box.down
  const height = tallest * step - box.down + 2 * box.margin
  const places = new Map<string, Placed>()
  columns.forEach((column, index) => {
    const top = box.margin + ((tallest - column.length) * step) / 2
    column.forEach((reference, row) => {
      const x = box.margin + index * (box.width + box.across)
      places.set(reference, { reference, heap: heaps.get(reference) ?? [reference], x, y: top + row * step })
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
  const bend = Math.min(60, Math.max(20, (x2 - x1) / 2))
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}

function bySource(edges: LineageEdge[]): Map<string, LineageEdge[]> {
  const next = new Map<string, LineageEdge[]>()
  for (const edge of edges) {
    const list = next.get(edge.from)
    if (list) list.push(edge)
    else next.set(edge.from, [edge])
  }
  return next
}

/** Leave out what leads back (traffic that moves to and fro makes such a loop): a layering needs none. */
function withoutCycles(edges: LineageEdge[], nodes: LineageNode[]): LineageEdge[] {
  const next = bySource(edges)
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

/** Only the edges without which something could no longer be reached (the transitive reduction). */
function reduced(edges: LineageEdge[]): LineageEdge[] {
  const next = bySource(edges)
  return edges.filter((edge) => {
    const seen = new Set<string>()
    const queue = (next.get(edge.from) ?? []).filter((other) => other.to !== edge.to).map(({ to }) => to)
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      if (at === edge.to) return false
      if (seen.has(at)) continue
      seen.add(at)
      for (const { to } of next.get(at) ?? []) queue.push(to)
    }
    return true
  })
}

/** Put many things of one kind that hang on the same neighbours into one heap, named by its first. */
function gathered(nodes: LineageNode[], edges: LineageEdge[], keep: string, open: Set<string>) {
  const around = new Map<string, string[]>(nodes.map(({ reference }) => [reference, []]))
  for (const { from, to } of edges) {
    around.get(from)?.push(`>${to}`)
    around.get(to)?.push(`<${from}`)
  }
  const alike = new Map<string, string[]>()
  for (const { reference } of nodes) {
    const key = reference === keep ? reference : `${parse(reference).kind} ${(around.get(reference) ?? []).sort().join(' ')}`
    alike.set(key, [...(alike.get(key) ?? []), reference])
  }
  const heaps = new Map<string, string[]>()
  const heapOf = new Map<string, string>()
  for (const members of alike.values()) {
    const first = members[0] ?? ''
    const together = members.length >= HEAP && !open.has(first)
    for (const member of members) {
      const name = together ? first : member
      heapOf.set(member, name)
      heaps.set(name, [...(heaps.get(name) ?? []), member])
    }
  }
  const links = new Map<string, LineageEdge>()
  for (const edge of edges) {
    const [from, to] = [heapOf.get(edge.from) ?? edge.from, heapOf.get(edge.to) ?? edge.to]
    links.set(`${from}\n${to}`, { ...edge, from, to })
  }
  return { heaps, links: [...links.values()] }
}

function ranks(names: string[], links: LineageEdge[]): Map<string, number> {
  const rank = new Map(names.map((name) => [name, 0]))
  const at = (name: string) => rank.get(name) ?? 0
  for (let round = 0, changed = true; changed && round <= names.length; round += 1) {
    changed = false
    for (const { from, to } of links) {
      if (at(to) < at(from) + 1) {
        rank.set(to, at(from) + 1)
        changed = true
      }
    }
  }
  // Sources move right, beside what they feed.
  for (let round = 0, changed = true; changed && round <= names.length; round += 1) {
    changed = false
    for (const name of names) {
      const fed = links.filter((link) => link.from === name).map((link) => at(link.to))
      const nearest = fed.length ? Math.min(...fed) - 1 : at(name)
      if (nearest > at(name)) {
        rank.set(name, nearest)
        changed = true
      }
    }
  }
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
    for (const column of columns) column.forEach((name, row) => place.set(name, row - column.length / 2))
    const neighbours = round % 2 === 0 ? before : after
    for (const column of columns) {
      const mean = (name: string) => {
        const near = neighbours.get(name)
        if (!near?.length) return place.get(name) ?? 0
        return near.reduce((sum, other) => sum + (place.get(other) ?? 0), 0) / near.length
      }
      column.sort((a, b) => mean(a) - mean(b))
      column.forEach((name, row) => place.set(name, row - column.length / 2))
    }
  }
}
