import { getStream } from '../api/client'
import type { Entry } from '../api/types'
import { signIn } from './sign-in.svelte'
import { EventParser } from './events'

type Listener = (entry: Entry) => void

/** The journal as it grows, over server-sent events. Read with fetch, because EventSource cannot carry a token. */
class Live {
  /** Whether the feed is there. */
  state = $state<'connecting' | 'live' | 'away'>('connecting')
  #listeners = new Set<Listener>()
  #last: number | undefined
  #started = false

  /** Begin, and go on for as long as the page is open. */
  start(): void {
    if (this.#started) return
    this.#started = true
    void this.#run()
  }

  /** Call back for every new entry; returns how to stop. */
  on(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #run(): Promise<never> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#read(() => (attempt = 0))
      } catch {
        // Said by the state; tried again below.
      }
      this.state = 'away'
      const seconds = Math.min(15, 0.5 * 2 ** Math.min(attempt, 5))
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    }
  }

  async #read(connected: () => void): Promise<void> {
    void signIn.turn
    const abort = new AbortController()
    // The server sends a sign of life every 15 seconds; silence means that the line is dead.
    let timer: ReturnType<typeof setTimeout> | undefined
    const alive = () => {
      clearTimeout(timer)
      timer = setTimeout(() => abort.abort(), 45_000)
    }
    try {
      alive()
      const stream = await getStream('/api/v1/events', { since_seq: this.#last }, abort.signal)
      this.state = 'live'
      connected()
      const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
      const parser = new EventParser()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        alive()
        for (const data of parser.push(value)) this.#tell(data)
      }
    } finally {
      clearTimeout(timer)
      abort.abort()
    }
  }

  #tell(data: string): void {
    let entry: Entry
    try {
      entry = JSON.parse(data) as Entry
    } catch {
      return
    }
    if (typeof entry.seq !== 'number') return
    this.#last = Math.max(this.#last ?? 0, entry.seq)
    for (const listener of this.#listeners) listener(entry)
  }
}

export const live = new Live()
