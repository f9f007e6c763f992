import { tick } from 'svelte'
import { fromMlflow } from './mlflow-links'

/** Where the app is: the path and the query are the state that a link carries. */
class Router {
  #path = $state(location.pathname)
  #search = $state(location.search)

  constructor() {
    this.#follow()
    window.addEventListener('hashchange', () => this.#follow())
    window.addEventListener('popstate', () => this.#read())
    document.addEventListener('click', (event) => this.#click(event))
  }

  get path(): string {
    return this.#path
  }

  /** The whole query, with its question mark. */
  get search(): string {
    return this.#search
  }

  /** The value of one key of the query; empty when it is not there. */
  param(key: string): string {
    return new URLSearchParams(this.#search).get(key) ?? ''
  }

  /** Go to an address of the app. */
  go(href: string, options: { replace?: boolean } = {}): void {
    const before = location.pathname
    if (options.replace) history.replaceState(null, '', href)
    else history.pushState(null, '', href)
    this.#read()
    if (location.pathname !== before) void this.#arrive()
  }

  /** Change keys of the query and keep the rest; an empty value takes the key out. */
  set(changes: Record<string, string | undefined>, options: { push?: boolean } = {}): void {
    const search = new URLSearchParams(this.#search)
    for (const [key, value] of Object.entries(changes)) {
      if (value) search.set(key, value)
      else search.delete(key)
    }
    const text = search.toString()
    this.go(text ? `${this.#path}?${text}` : this.#path, { replace: !options.push })
  }

  /** An address of MLflow's web app becomes ours. */
  #follow(): void {
    const href = location.pathname === '/' ? fromMlflow(location.hash) : undefined
    if (href === undefined) return
    history.replaceState(null, '', href)
    this.#read()
  }

  #read(): void {
    this.#path = location.pathname
    this.#search = location.search
  }

  /** A new page begins at its top, and the keyboard with it. */
  async #arrive(): Promise<void> {
    window.scrollTo(0, 0)
    await tick()
    document.getElementById('content')?.focus({ preventScroll: true })
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    // Links within SVG have no parts of their address as members, so read the attribute.
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null
    if (!link || link.getAttribute('target') || link.hasAttribute('download')) return
    const url = new URL(link.getAttribute('href') ?? '', location.href)
    if (url.origin !== location.origin || /^\/(api|v2|ajax-api|metrics)(\/|$)/.test(url.pathname)) return
    if (url.hash && url.pathname === location.pathname) return
    event.preventDefault()
    this.go(url.pathname + url.search)
  }
}

export const router = new Router()

/** The values of a pattern such as `/models/:name`, or nothing when the path does not fit. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/').filter(Boolean)
  const given = path.split('/').filter(Boolean)
  if (wanted.length !== given.length) return undefined
  const values: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const text = given[index] ?? ''
    if (!part.startsWith(':')) {
      if (part !== text) return undefined
      continue
    }
    try {
      values[part.slice(1)] = decodeURIComponent(text)
    } catch {
      return undefined
    }
  }
  return values
}
