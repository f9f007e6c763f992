import type { Entry } from '../api/types'
import { live } from './live.svelte'
import { Problem } from './problem'
import { signIn } from './sign-in.svelte'

interface Options {
  /** Ask again when the journal gains an entry for which this is true. */
  when?: (entry: Entry) => boolean
  /** Ask again after so many seconds, while the page is seen. */
  every?: number
}

/** Something that the server knows: asked for when made and whenever what the question reads changes. */
export class Resource<T> {
  /** The latest answer; kept while a newer one is on its way. */
  data = $state.raw<T>()
  /** Why the latest question was not answered. */
  problem = $state.raw<Problem>()
  /** Whether a question is on its way. */
  loading = $state(true)
  #turn = $state(0)

  /** `ask` must read what it depends on before its first `await`. Make resources while a component is set up. */
  constructor(ask: (signal: AbortSignal) => Promise<T>, options: Options = {}) {
    $effect(() => {
      void this.#turn
      void signIn.turn
      const abort = new AbortController()
      this.loading = true
      ask(abort.signal).then(
        (data) => {
          if (abort.signal.aborted) return
          this.data = data
          this.problem = undefined
          this.loading = false
        },
        (thrown: unknown) => {
          if (abort.signal.aborted) return
          this.problem = Problem.of(thrown)
          this.loading = false
        },
      )
      return () => abort.abort()
    })
    const { when, every } = options
    if (when) {
      $effect(() => {
        let timer: ReturnType<typeof setTimeout> | undefined
        const stop = live.on((entry) => {
          // Entries come in bursts: one question for a burst is enough.
          if (when(entry)) timer ??= setTimeout(() => { timer = undefined; this.reload() }, 300)
        })
        return () => { stop(); clearTimeout(timer) }
      })
    }
    if (every) {
      $effect(() => {
        const timer = setInterval(() => { if (!document.hidden && !this.loading) this.reload() }, every * 1000)
        return () => clearInterval(timer)
      })
    }
  }

  /** Ask again. */
  reload(): void {
    this.#turn += 1
  }
}
