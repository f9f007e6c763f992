import { Problem } from '../lib/problem'
import { credentials } from '../lib/sign-in.svelte'

export type Query = Record<string, string | number | boolean | null | undefined>

/** An address with its query; empty values are left out. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(key, String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, { ...init, headers: { ...init.headers, ...credentials() } })
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown
    throw new Problem('unavailable', 'the server does not answer', 'it may have stopped, or the network is down', 'ropewalk up')
  }
  if (!response.ok) throw await Problem.from(response)
  return response
}

/** The JSON at an address. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const response = await send(address(path, query), { signal, headers: { accept: 'application/json' } })
  return (await response.json()) as T
}

/** The bytes at an address, whole. */
export async function getBlob(path: string, query: Query = {}): Promise<Blob> {
  return (await send(address(path, query), {})).blob()
}

/** The stream of bytes at an address. */
export async function getStream(path: string, query: Query, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await send(address(path, query), { signal, headers: { accept: 'text/event-stream' } })
  if (!response.body) throw new Problem('unavailable', 'the server sent no stream')
  return response.body
}

export type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Send JSON and read the JSON that is answered. */
export async function post<T>(path: string, body: unknown, method: Method = 'POST', signal?: AbortSignal): Promise<T> {
  const response = await send(path, {
    method,
    signal,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
  })
  const text = await response.text()
  return (text ? JSON.parse(text) : undefined) as T
}

/** One part of a path. */
export const part = encodeURIComponent

/** One page of a listing, whether the server pages it or sends it whole. */
export interface Listing<T> {
  items: T[]
  next_token?: string | null
}

export function listing<T>(answer: Listing<T> | T[]): Listing<T> {
  return Array.isArray(answer) ? { items: answer } : answer
}
