/** The bytes of artifacts, as pages can show them. */
import { artifact } from '../../api/calls'
import { address, part } from '../../api/client'
import { signIn } from '../sign-in.svelte'
import { mediaType } from './kinds'

/** Pictures are kept for a while, since a slider goes back and forth. */
const kept = new Map<string, Promise<string>>()
const mostKept = 200

/** An artifact as a `data:` address: pages may load nothing else that is not from this server, and it carries the token. */
export function dataAddress(run: string, path: string): Promise<string> {
  const key = `${run} ${path}`
  const there = kept.get(key)
  if (there) return there
  const loading = artifact(run, path).then((blob) => read(new Blob([blob], { type: mediaType(path) })))
  loading.catch(() => kept.delete(key))
  if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '')
  kept.set(key, loading)
  return loading
}

function read(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error ?? new Error('the file cannot be read'))
    reader.readAsDataURL(blob)
  })
}

/** Where a player finds sound: the server's own address, so that it can seek; none if the server wants a token. */
export function soundAddress(run: string, path: string): string | undefined {
  return signIn.token ? undefined : address(`/api/v1/runs/${part(run)}/file`, { path })
}

/** Fetched rather than linked, so that a server that asks for a token gives it too. */
export async function download(run: string, path: string): Promise<void> {
  const url = URL.createObjectURL(await artifact(run, path))
  const link = document.createElement('a')
  link.href = url
  link.download = path.split('/').at(-1) ?? path
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
