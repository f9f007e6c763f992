import { untrack } from 'svelte'
import { assign, ownSlot, slotCss } from './colours'

const key = 'ropewalk.run-colours'
/** The oldest are forgotten when there are more. */
const most = 4000

/** Which colour each run has, remembered so that it stays. */
class RunPalette {
  /** Grows when a run's colour has changed. */
  version = $state(0)
  #kept = new Map<string, number>(remembered())

  /** These runs are shown together: let them look different. */
  claim(ids: string[]): void {
    // The palette has no more to give.
    const some = ids.slice(0, 100)
    if (some.every((id) => this.#kept.has(id))) return
    for (const [id, slot] of assign(some, this.#kept)) {
      this.#kept.delete(id)
      this.#kept.set(id, slot)
    }
    while (this.#kept.size > most) this.#kept.delete(this.#kept.keys().next().value ?? '')
    // Whoever claims does not thereby ask.
    untrack(() => (this.version += 1))
    try {
      localStorage.setItem(key, JSON.stringify([...this.#kept]))
    } catch {
      // No storage: it holds until the page is left.
    }
  }

  slot(id: string): number {
    void this.version
    return this.#kept.get(id) ?? ownSlot(id)
  }
}

function remembered(): [string, number][] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '[]')
    if (Array.isArray(kept)) return kept.filter((one): one is [string, number] => Array.isArray(one) && typeof one[0] === 'string' && typeof one[1] === 'number')
  } catch {
    // Nothing kept, or nothing to be read.
  }
  return []
}

export const palette = new RunPalette()

/** A run's colour as a style sheet writes it. */
export function runCss(id: string): string {
  return slotCss(palette.slot(id))
}
