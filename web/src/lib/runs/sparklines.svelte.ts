import { chart } from '../../api/runs'
import { figure } from './columns'

const points = 48
const atOnce = 100

/** Small curves for the rows that are seen, fetched as they come into sight. */
export class Sparklines {
  /** Grows whenever curves have come. */
  version = $state(0)
  #kept = new Map<string, (number | null)[]>()
  #wanted = new Map<string, Set<string>>()
  #timer: ReturnType<typeof setTimeout> | undefined

  /** A curve's values; nothing while they are on their way. */
  values(key: string, run: string): (number | null)[] | undefined {
    void this.version
    return this.#kept.get(`${key} ${run}`)
  }

  need(key: string, runs: string[]): void {
    const missing = runs.filter((run) => !this.#kept.has(`${key} ${run}`))
    if (missing.length === 0) return
    this.#wanted.set(key, new Set(missing))
    this.#timer ??= setTimeout(() => { this.#timer = undefined; void this.#fetch() }, 80)
  }

  /** Fetch these again: they have grown. */
  forget(runs: string[]): void {
    const gone = new Set(runs)
    for (const key of this.#kept.keys()) if (gone.has(key.slice(key.lastIndexOf(' ') + 1))) this.#kept.delete(key)
    this.version += 1
  }

  async #fetch(): Promise<void> {
    const wanted = [...this.#wanted]
    this.#wanted.clear()
    await Promise.all(
      wanted.map(async ([key, runs]) => {
        const run_ids = [...runs].slice(0, atOnce)
        const { series } = await chart({ run_ids, key, axis: 'step', points }).catch(() => ({ series: [] }))
        for (const run of run_ids) this.#kept.set(`${key} ${run}`, [])
        for (const { run_id, last } of series) this.#kept.set(`${key} ${run_id}`, last.map((value) => { const number = figure(value); return Number.isFinite(number) ? number : null }))
      }),
    )
    this.version += 1
  }
}
