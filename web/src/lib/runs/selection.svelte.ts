import { SvelteSet } from 'svelte/reactivity'
import type { Line, Outline } from './outline.svelte'

/** The runs that somebody has picked to do something with. */
export class Selection {
  readonly ids = new SvelteSet<string>()
  #last: number | undefined

  readonly has = (id: string): boolean => this.ids.has(id)

  /** Pick a run or put it back; with a range, all from the one before. */
  toggle(outline: Outline, at: number, id: string, range: boolean): void {
    const on = !this.ids.has(id)
    if (range && this.#last !== undefined) {
      for (let line = Math.min(this.#last, at); line <= Math.max(this.#last, at); line += 1) this.#set(outline.line(line), true)
    } else if (on) this.ids.add(id)
    else this.ids.delete(id)
    this.#last = at
  }

  replace(ids: string[]): void {
    this.clear()
    for (const id of ids) this.ids.add(id)
  }

  clear(): void {
    this.ids.clear()
    this.#last = undefined
  }

  #set(line: Line, on: boolean): void {
    if (line.kind !== 'run') return
    if (on) this.ids.add(line.id)
    else this.ids.delete(line.id)
  }
}
