import { columns, table, type Column, type ColumnInfo, type Scope } from '../../api/runs'
import { allExperiments } from '../../api/experiments'
import { untrack } from 'svelte'
import { signIn } from '../sign-in.svelte'
import { Hover } from '../../charts/hover.svelte'
import { Resource } from '../resource.svelte'
import { router } from '../router.svelte'
import { arrange, resolve, tellingMetrics, usualColumns } from './choice'
import { parse } from './columns'
import { quote } from './filter'
import { Outline } from './outline.svelte'
import { palette } from './palette.svelte'
import { filterWith } from './picked'
import { Selection } from './selection.svelte'
import { Sparklines } from './sparklines.svelte'
import { decode, encode, type TableView } from './view'

const newest = 'attributes.start_time DESC'
/** A group has figures for so many of the metrics that are shown, unless somebody chose them. */
const usualMeasures = 24

/** What the page of runs works on. The address holds its state; make it while a component is set up. */
export class Workbench {
  readonly view = $derived(decode(new URLSearchParams(router.search)))
  readonly hover = new Hover()
  readonly selection = new Selection()
  readonly sparklines = new Sparklines()
  readonly outline = new Outline()
  /** Grows when runs may have grown. */
  turn = $state(0)

  readonly experiments = new Resource((signal) => allExperiments('ACTIVE_ONLY', signal), { when: (entry) => entry.verb.startsWith('experiment') })

  /** Texts rather than objects, so that what is equal asks nothing anew. */
  readonly #scopeText = $derived(JSON.stringify({ experiments: this.view.experiments, filter: filterWith(this.view.filter, this.view.picked), view: this.view.stage }))
  readonly scope = $derived(JSON.parse(this.#scopeText) as Scope)
  readonly #wideText = $derived(JSON.stringify({ experiments: this.view.experiments, view: this.view.stage }))

  /** The columns that there are, whatever the filter. */
  readonly #found = new Resource((signal) => columns(JSON.parse(this.#wideText) as Scope, signal))
  readonly infos = $derived<ColumnInfo[]>(this.#found.data?.columns ?? [])
  readonly info = $derived(new Map(this.infos.map((one) => [one.column, one])))
  readonly known = $derived(this.#found.data !== undefined)
  /** How many runs there are, whatever the filter; undefined before it is known. */
  readonly all = $derived(this.#found.data?.total)
  readonly columnsProblem = $derived(this.#found.problem)

  readonly specification = $derived(this.view.columns.length ? this.view.columns : usualColumns(this.infos, this.view.experiments.length !== 1))
  readonly shown = $derived(resolve(this.specification, this.infos).filter((column) => !this.view.groups.includes(column)))
  readonly arranged = $derived(arrange(this.shown, this.view.pins))

  readonly metrics = $derived(tellingMetrics(this.infos).map((column) => parse(column).key))
  readonly measures = $derived.by(() => {
    if (this.view.groups.length === 0) return []
    if (this.view.measures.length) return this.view.measures
    return this.shown.filter((column) => parse(column).entity === 'metrics').slice(0, usualMeasures)
  })
  readonly orders = $derived(this.view.order.map(({ column, down }) => `${column} ${down ? 'DESC' : 'ASC'}`))
  readonly tree = $derived(this.view.nested && !this.scope.filter && this.view.order.length === 0 && this.view.groups.length === 0)

  /** The runs with curves: the first ones of the table, those that were added, without those that were taken out. */
  readonly #chartedText = $derived(JSON.stringify([this.#scopeText, this.orders.length ? this.orders : [newest], this.view.eyes]))
  readonly #charted = new Resource(async (signal) => {
    const { first, plus, minus } = this.view.eyes
    const [scope, orders] = [JSON.parse(this.#scopeText) as Scope, JSON.parse(this.#chartedText) as [string, string[]]]
    void this.turn
    const names = new Map<string, string>()
    const take = async (query: Scope, order_by: string[], limit: number) => {
      if (limit === 0) return
      const answer = await table({ ...query, order_by, columns: ['attributes.run_name'], offset: 0, limit }, signal)
      answer.run_ids.forEach((id, place) => names.set(id, String(answer.columns[0]?.values[place] ?? id)))
    }
    await take(scope, orders[1], first ? first + minus.length : 0)
    const without = new Set(minus)
    const ids = [...names.keys()].filter((id) => !without.has(id)).slice(0, first)
    const added = plus.filter((id) => !ids.includes(id)).slice(0, 100)
    if (added.length) await take({ experiments: [], view: 'ALL', filter: `attributes.run_id IN (${added.map(quote).join(', ')})` }, [], added.length)
    const all = [...ids, ...added.filter((id) => names.has(id))]
    palette.claim(all)
    return { ids: all, names }
  })
  readonly charted = $derived<string[]>(this.#charted.data?.ids ?? [])
  readonly #chartedSet = $derived(new Set(this.charted))

  readonly seen = (id: string): boolean => this.#chartedSet.has(id)
  readonly nameOf = (id: string): string => this.#charted.data?.names.get(id) ?? id.slice(0, 8)
  readonly experimentOf = (id: string): string => this.#experimentNames.get(id) ?? id
  readonly #experimentNames = $derived(new Map((this.experiments.data ?? []).map(({ experiment_id, name }) => [experiment_id, name])))
  /** The one experiment that is shown, if it is one. */
  readonly experiment = $derived.by(() => {
    const [one, ...more] = this.view.experiments
    return one !== undefined && more.length === 0 ? (this.experiments.data ?? []).find(({ name, experiment_id }) => name === one || experiment_id === one) : undefined
  })

  /** Why the filter cannot be read, if it cannot. */
  readonly filterWrong = $derived(this.outline.failed?.status === 400 && this.scope.filter ? this.outline.failed : undefined)

  constructor() {
    $effect(() => {
      this.outline.query({ scope: this.scope, order_by: this.orders.length ? this.orders : [newest], groups: this.view.groups, measures: this.measures, tree: this.tree })
    })
    $effect(() => () => this.outline.stop())
    // Who signs in is answered.
    $effect(() => {
      void signIn.turn
      untrack(() => { if (this.outline.failed) this.retry() })
    })
  }

  /** Change how one looks; the address follows. */
  change(changes: Partial<TableView>): void {
    router.set(encode({ ...this.view, ...changes }))
  }

  /** Order by a column; again the other way, and a third time not at all. */
  sort(column: Column, first: 'ASC' | 'DESC', add: boolean): void {
    const { order } = this.view
    const there = order.find((one) => one.column === column)
    const down = first === 'DESC'
    const next = !there ? [{ column, down }] : there.down === down ? [{ column, down: !down }] : []
    const others = add ? order.filter((one) => one.column !== column) : []
    // A key that is turned keeps its place among the others.
    this.change({ order: add && there && next.length ? order.map((one) => (one.column === column ? (next[0] ?? one) : one)) : [...others, ...next] })
  }

  toggleEye(id: string): void {
    const { eyes } = this.view
    const without = (list: string[]) => list.filter((one) => one !== id)
    this.change({ eyes: this.seen(id) ? { ...eyes, plus: without(eyes.plus), minus: [...without(eyes.minus), id] } : { ...eyes, plus: [...without(eyes.plus), id], minus: without(eyes.minus) } })
  }

  /** Ask again for everything that may have changed; returns how many lines the anchor has moved. */
  async refresh(anchor: number): Promise<number> {
    const before = this.outline.root.total
    const moved = await this.outline.refresh(anchor)
    const running: string[] = []
    for (let row = 0; row < 200; row += 1) {
      const id = this.outline.root.id(row)
      if (id && this.outline.root.value(row, 'attributes.status') === 'RUNNING') running.push(id)
    }
    if (running.length) this.sparklines.forget(running)
    if (running.length || this.outline.root.total !== before) this.turn += 1
    // A first run, or a new metric, brings columns.
    if (this.all === 0 || (before !== undefined && this.outline.root.total !== before)) this.#found.reload()
    return moved
  }

  retry(): void {
    this.#found.reload()
    this.outline.retry()
  }

  reloadAll(): void {
    this.#found.reload()
    this.experiments.reload()
    void this.refresh(0)
  }
}
