import { table, type Column, type RunTable, type Scope, type Value } from '../../api/runs'
import { Problem } from '../problem'
import type { Span } from './windows'

/** Runs are fetched by so many rows. */
export const blockRows = 100
/** So many cells are kept; the farthest from view go first. */
const keptCells = 600_000
/** So many questions may be on their way. */
const atOnce = 3

interface Block {
  ids: string[]
  values: Map<Column, Value[]>
}

/** A question on its way. */
interface Question {
  block: number
  columns: Set<Column>
  abort: AbortController
}

export interface RowsQuery extends Scope {
  order_by: string[]
}

type Ask = typeof table

/** The rows of a table, fetched where somebody looks. */
export class RunRows {
  /** How many rows there are; nothing is known before the first answer. */
  total = $state<number>()
  problem = $state.raw<Problem>()
  /** Grows whenever a cell may have changed. */
  version = $state(0)
  /** Whether an answer is awaited. */
  busy = $state(false)

  #blocks = new Map<number, Block>()
  #key = ''
  #query: RowsQuery = { experiments: [], order_by: [] }
  #wanted: { rows: Span; columns: Column[] } = { rows: { first: 0, end: 0 }, columns: [] }
  #open = new Set<Question>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #ask: Ask

  constructor(ask: Ask = table) {
    this.#ask = ask
  }

  /** Ask for other runs or another order; the same question again changes nothing. */
  query(query: RowsQuery): void {
    const key = JSON.stringify(query)
    if (key === this.#key) return
    this.#key = key
    this.#query = query
    this.#forget()
    this.total = undefined
    this.problem = undefined
    this.version += 1
    this.#fetch()
  }

  /** The run of a row, if it has been fetched. */
  id(row: number): string | undefined {
    return this.#blocks.get(Math.floor(row / blockRows))?.ids[row % blockRows]
  }

  value(row: number, column: Column): Value | undefined {
    return this.#blocks.get(Math.floor(row / blockRows))?.values.get(column)?.[row % blockRows]
  }

  /** The row of a run among what has been fetched. */
  row(id: string): number | undefined {
    for (const [index, { ids }] of this.#blocks) {
      const place = ids.indexOf(id)
      if (place >= 0) return index * blockRows + place
    }
    return undefined
  }

  /** Say what is seen. Bursts, as when somebody scrolls, become few questions. */
  need(rows: Span, columns: Column[]): void {
    this.#wanted = { rows, columns }
    this.#timer ??= setTimeout(() => { this.#timer = undefined; this.#fetch() }, this.total === undefined ? 0 : 40)
  }

  /**
   * Ask again for what is seen. Returns how many rows the anchor has moved down, so that the place can be kept.
   * What is not seen is fetched again when somebody goes there.
   */
  async refresh(anchor: number): Promise<number> {
    const { rows, columns } = this.#wanted
    const key = this.#key
    const id = this.id(anchor)
    const offset = Math.max(0, Math.floor((rows.first - blockRows) / blockRows) * blockRows)
    const end = Math.ceil((rows.end + blockRows) / blockRows) * blockRows
    try {
      const answer = await this.#ask({ ...this.#query, columns, offset, limit: Math.max(blockRows, end - offset) })
      if (key !== this.#key) return 0
      const place = id === undefined ? -1 : answer.run_ids.indexOf(id)
      this.#forget()
      this.#store(offset, answer)
      this.problem = undefined
      // Somebody may have scrolled on meanwhile.
      this.#fetch()
      return place < 0 ? 0 : offset + place - anchor
    } catch (thrown) {
      if (key === this.#key) this.problem = Problem.of(thrown)
      return 0
    }
  }

  /** Ask again after a refusal. */
  retry(): void {
    this.problem = undefined
    this.#fetch()
  }

  /** Forget all; the next look asks anew. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#forget()
  }

  #forget(): void {
    for (const { abort } of this.#open) abort.abort()
    this.#open.clear()
    this.#blocks.clear()
    this.busy = false
  }

  #fetch(): void {
    const { rows, columns } = this.#wanted
    const last = this.total === undefined ? 0 : Math.max(0, Math.ceil(this.total / blockRows) - 1)
    const first = Math.min(last, Math.floor(rows.first / blockRows))
    const end = Math.min(last, Math.floor(Math.max(rows.first, rows.end - 1) / blockRows))
    // What somebody has scrolled past makes way.
    for (const question of this.#open) {
      if (question.block >= first && question.block <= end) continue
      question.abort.abort()
      this.#open.delete(question)
    }
    for (let block = first; block <= end && this.#open.size < atOnce; block += 1) {
      const there = this.#blocks.get(block)
      const open = [...this.#open].filter((question) => question.block === block)
      const missing = columns.filter((column) => !there?.values.has(column) && !open.some((question) => question.columns.has(column)))
      // Without any column the identifiers alone are asked for.
      if (missing.length || (!there && open.length === 0)) void this.#load(block, missing)
    }
    this.busy = this.#open.size > 0
  }

  async #load(block: number, columns: Column[]): Promise<void> {
    const question = { block, columns: new Set(columns), abort: new AbortController() }
    const { signal } = question.abort
    this.#open.add(question)
    try {
      const answer = await this.#ask({ ...this.#query, columns, offset: block * blockRows, limit: blockRows }, signal)
      if (signal.aborted) return
      this.#open.delete(question)
      this.problem = undefined
      this.#store(block * blockRows, answer)
      this.#fetch()
    } catch (thrown) {
      if (signal.aborted) return
      this.#open.delete(question)
      this.problem = Problem.of(thrown)
      this.busy = this.#open.size > 0
    }
  }

  #store(offset: number, answer: RunTable): void {
    this.total = answer.total
    for (let from = 0; from < Math.max(1, answer.run_ids.length); from += blockRows) {
      const ids = answer.run_ids.slice(from, from + blockRows)
      const values = new Map(answer.columns.map(({ column, values }) => [column, values.slice(from, from + blockRows)]))
      const index = (offset + from) / blockRows
      const there = this.#blocks.get(index)
      // Columns that came earlier still hold if the rows are the same.
      const same = there && there.ids.length === ids.length && there.ids.every((id, place) => id === ids[place])
      this.#blocks.set(index, { ids, values: same ? new Map([...there.values, ...values]) : values })
    }
    this.#trim(offset / blockRows)
    this.version += 1
  }

  #trim(near: number): void {
    let cells = 0
    for (const { ids, values } of this.#blocks.values()) cells += ids.length * values.size
    if (cells <= keptCells) return
    const far = [...this.#blocks.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near))
    for (const index of far.slice(0, -2)) {
      const block = this.#blocks.get(index)
      if (block) cells -= block.ids.length * block.values.size
      this.#blocks.delete(index)
      if (cells <= keptCells) break
    }
  }
}
