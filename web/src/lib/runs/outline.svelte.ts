import { groups, table, type Column, type Group, type Scope } from '../../api/runs'
import { Problem } from '../problem'
import { name } from './columns'
import { both, quote } from './filter'
import { RunRows } from './rows.svelte'
import type { Span } from './windows'

/** What stands in a line of the table. */
export type Line =
  | { kind: 'run'; id: string; row: number; rows: RunRows; depth: number; children: number; open: boolean }
  | { kind: 'group'; group: Group; index: number; open: boolean }
  | { kind: 'wait'; depth: number }

/** Runs one after another, at one depth. */
interface Piece {
  from: number
  count: number
  depth: number
  rows?: RunRows
  /** Of `rows`, or of the groups. */
  first: number
}

export interface OutlineQuery {
  scope: Scope
  order_by: string[]
  groups: Column[]
  measures: Column[]
  /** Nested runs below their parents. */
  tree: boolean
}

const parentColumn = name({ entity: 'tags', key: 'mlflow.parentRunId' })
const groupPage = 200
/** Parents with more children than this in sum are too many to know. */
const mostParents = 10_000
/** A tree deeper than this is shown flat below it. */
const deepest = 12

/** The lines of the table: plain runs, runs in groups, or runs below their parents. */
export class Outline {
  /** The runs on the first level, unless they are in groups. */
  root = new RunRows()
  groups = $state.raw<Group[]>([])
  totalGroups = $state<number>()
  problem = $state.raw<Problem>()
  #query = $state.raw<OutlineQuery>({ scope: { experiments: [] }, order_by: [], groups: [], measures: [], tree: false })
  #key = ''
  /** How many children a run has, if the table is a tree. */
  #children = $state.raw(new Map<string, number>())
  /** What is open: runs by identifier, groups by filter. */
  #open = $state.raw(new Map<string, RunRows>())
  #turn = 0
  /** The question whose groups are on their way. */
  #fetching = -1

  readonly grouped = $derived(this.#query.groups.length > 0)
  readonly nested = $derived(this.#query.tree && this.#children.size > 0)
  readonly #pieces = $derived(this.#lay())
  /** How many lines there are; nothing is known before the first answer. */
  readonly count = $derived.by(() => {
    if (this.grouped ? this.totalGroups === undefined : this.root.total === undefined) return undefined
    const last = this.#pieces.at(-1)
    return last ? last.from + last.count : 0
  })
  /** Grows whenever a line may have changed. */
  readonly version = $derived(this.root.version + [...this.#open.values()].reduce((sum, rows) => sum + rows.version, 0))
  readonly failed = $derived(this.problem ?? this.root.problem)
  readonly busy = $derived(this.root.busy || [...this.#open.values()].some((rows) => rows.busy))

  query(query: OutlineQuery): void {
    const key = JSON.stringify(query)
    if (key === this.#key) return
    this.#key = key
    this.#turn += 1
    this.#query = query
    this.problem = undefined
    this.#close()
    this.groups = []
    this.totalGroups = undefined
    this.#children = new Map()
    if (query.groups.length) void this.#loadGroups()
    else if (query.tree) void this.#plant()
    else this.root.query({ ...query.scope, order_by: query.order_by })
  }

  line(at: number): Line {
    const piece = this.#piece(at)
    if (!piece) return { kind: 'wait', depth: 0 }
    const row = piece.first + at - piece.from
    if (!piece.rows) {
      const group = this.groups[row]
      return group ? { kind: 'group', group, index: row, open: this.#open.has(group.filter) } : { kind: 'wait', depth: 0 }
    }
    const id = piece.rows.id(row)
    if (id === undefined) return { kind: 'wait', depth: piece.depth }
    return { kind: 'run', id, row, rows: piece.rows, depth: piece.depth, children: this.#children.get(id) ?? 0, open: this.#open.has(id) }
  }

  /** Say which lines are seen, and which columns. */
  need(lines: Span, columns: Column[]): void {
    for (const piece of this.#pieces) {
      const first = Math.max(lines.first, piece.from)
      const end = Math.min(lines.end, piece.from + piece.count)
      if (first >= end) continue
      const seen = { first: piece.first + first - piece.from, end: piece.first + end - piece.from }
      if (piece.rows) piece.rows.need(seen, columns)
      else if (seen.end > this.groups.length && this.groups.length < (this.totalGroups ?? 0)) void this.#loadGroups()
    }
    if (!this.grouped && this.root.total === undefined) this.root.need({ first: 0, end: lines.end }, columns)
  }

  /** Open what a line holds, or close it. */
  toggle(line: Line, columns: Column[]): void {
    const key = line.kind === 'run' ? line.id : line.kind === 'group' ? line.group.filter : undefined
    if (key === undefined) return
    const open = new Map(this.#open)
    const there = open.get(key)
    if (there) {
      there.stop()
      open.delete(key)
    } else {
      const rows = new RunRows()
      const { scope, order_by } = this.#query
      const filter = line.kind === 'group' ? key : both(scope.filter, `${parentColumn} = ${quote(key)}`)
      // A group's filter already holds the table's own.
      rows.query({ ...scope, filter, order_by: line.kind === 'group' ? order_by : ['attributes.start_time ASC'] })
      rows.need({ first: 0, end: 60 }, columns)
      open.set(key, rows)
    }
    this.#open = open
  }

  /** Ask again for what is seen. Returns how many lines the anchor has moved down. */
  async refresh(anchor: number): Promise<number> {
    if (this.grouped) {
      await this.#loadGroups(true)
      await Promise.all([...this.#open.values()].map((rows) => rows.refresh(0)))
      return 0
    }
    if (this.#query.tree) await this.#plant()
    const piece = this.#piece(anchor)
    const before = piece?.from ?? 0
    const at = piece?.rows === this.root ? piece.first + anchor - piece.from : 0
    const [moved] = await Promise.all([this.root.refresh(at), ...[...this.#open.values()].map((rows) => rows.refresh(0))])
    return before >= 0 && piece?.rows === this.root ? moved : 0
  }

  /** Ask again after a refusal. */
  retry(): void {
    this.problem = undefined
    if (this.grouped) void this.#loadGroups(true)
    else if (this.#query.tree) void this.#plant().then(() => this.root.retry())
    else this.root.retry()
    for (const rows of this.#open.values()) rows.retry()
  }

  stop(): void {
    this.#turn += 1
    this.#close()
    this.root.stop()
  }

  #close(): void {
    for (const rows of this.#open.values()) rows.stop()
    this.#open = new Map()
  }

  #piece(at: number): Piece | undefined {
    const pieces = this.#pieces
    let [low, high] = [0, pieces.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((pieces[middle]?.from ?? 0) <= at) low = middle
      else high = middle - 1
    }
    return pieces[low]
  }

  /** What is open cuts the first level into pieces; so it goes on, level by level. */
  #lay(): Piece[] {
    const pieces: Piece[] = []
    let at = 0
    const add = (count: number, first: number, depth: number, rows?: RunRows) => {
      if (count <= 0) return
      pieces.push({ from: at, count, depth, rows, first })
      at += count
    }
    const level = (rows: RunRows, depth: number) => {
      void rows.version
      const total = rows.total ?? (depth > 0 ? 1 : 0)
      const open = depth < deepest
        ? [...this.#open].flatMap(([key, inner]) => { const row = rows.row(key); return row === undefined ? [] : [{ row, inner }] }).sort((a, b) => a.row - b.row)
        : []
      let first = 0
      for (const { row, inner } of open) {
        add(row + 1 - first, first, depth, rows)
        first = row + 1
        level(inner, depth + 1)
      }
      add(total - first, first, depth, rows)
    }
    if (!this.grouped) {
      level(this.root, 0)
      return pieces
    }
    let first = 0
    this.groups.forEach(({ filter }, index) => {
      const inner = this.#open.get(filter)
      if (!inner) return
      add(index + 1 - first, first, 0)
      first = index + 1
      level(inner, 1)
    })
    add((this.totalGroups ?? 0) - first, first, 0)
    return pieces
  }

  async #loadGroups(again = false): Promise<void> {
    const turn = this.#turn
    if (this.#fetching === turn && !again) return
    this.#fetching = turn
    const { scope, groups: by, measures } = this.#query
    // Groups can be ordered by what is measured of them, and by nothing else.
    const order = this.#query.order_by.find((one) => measures.includes(one.replace(/ (ASC|DESC)$/, '')))
    const limit = again ? Math.max(groupPage, this.groups.length) : this.groups.length + groupPage
    try {
      const answer = await groups({ ...scope, by, measures, order_by: order ?? 'count DESC', limit })
      if (turn !== this.#turn) return
      this.groups = answer.groups
      // Groups past the limit of the server cannot be shown.
      this.totalGroups = answer.groups.length < Math.min(limit, answer.total_groups) ? answer.groups.length : answer.total_groups
      this.problem = undefined
    } catch (thrown) {
      if (turn === this.#turn) this.problem = Problem.of(thrown)
    } finally {
      if (this.#fetching === turn) this.#fetching = -1
    }
  }

  /** Who has children; then the first level is the runs without a parent, or whose parent is not among them. */
  async #plant(): Promise<void> {
    const turn = this.#turn
    const { scope, order_by } = this.#query
    const children = new Map<string, number>()
    let filter = scope.filter
    try {
      const found = await groups({ ...scope, by: [parentColumn], measures: [], limit: mostParents })
      for (const { values, runs } of found.groups) if (typeof values[0] === 'string') children.set(values[0], runs)
      if (children.size > 0 && found.total_groups <= mostParents) filter = both(scope.filter, await this.#roots([...children.keys()]))
      else children.clear()
    } catch {
      // Without knowing, the table is flat.
    }
    if (turn !== this.#turn) return
    this.#children = children
    this.root.query({ ...scope, filter, order_by })
  }

  async #roots(parents: string[]): Promise<string> {
    const { scope } = this.#query
    const missing = new Set(parents)
    for (let from = 0; from < parents.length; from += 500) {
      const some = parents.slice(from, from + 500)
      const filter = both(scope.filter, `attributes.run_id IN (${some.map(quote).join(', ')})`)
      const found = await table({ ...scope, filter, columns: [], offset: 0, limit: some.length })
      for (const id of found.run_ids) missing.delete(id)
    }
    const without = `${parentColumn} IS NULL`
    const lost = [...missing].slice(0, 500).map((id) => `${parentColumn} = ${quote(id)}`)
    return [without, ...lost].join(' OR ')
  }
}
