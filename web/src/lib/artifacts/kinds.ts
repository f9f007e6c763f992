/** What kind of file an artifact is, to judge by its name, and so how it can be shown. */

export type FileKind = 'image' | 'audio' | 'table' | 'json' | 'csv' | 'markdown' | 'text' | 'other'

const kinds: [FileKind, RegExp][] = [
  ['image', /\.(png|jpe?g|gif|webp|svg|bmp|avif)$/i],
  ['audio', /\.(wav|mp3|flac|ogg|oga|opus|m4a)$/i],
  ['csv', /\.(csv|tsv)$/i],
  ['json', /\.(json|geojson|ipynb)$/i],
  ['markdown', /\.(md|markdown)$/i],
  ['text', /\.(txt|log|ya?ml|toml|ini|cfg|conf|py|r|jl|sh|sql|js|ts|rs|java|html?|xml|diff|patch|env|rst|jsonl|ndjson)$|(^|\/)(MLmodel|Dockerfile|Makefile|LICENSE|requirements)$/i],
]

export function kindOf(path: string): FileKind {
  return kinds.find(([, pattern]) => pattern.test(path))?.[0] ?? 'other'
}

const types: Record<string, string> = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', svg: 'image/svg+xml', bmp: 'image/bmp', avif: 'image/avif',
  wav: 'audio/wav', mp3: 'audio/mpeg', flac: 'audio/flac', ogg: 'audio/ogg', oga: 'audio/ogg', opus: 'audio/ogg', m4a: 'audio/mp4',
}

/** The media type that a browser needs to show it; the server sends bytes without one. */
export function mediaType(path: string): string {
  return types[path.slice(path.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream'
}

/** Texts longer than this are not shown whole. */
export const mostText = 1_000_000
/** Files larger than this are not even fetched to be shown. */
export const mostBytes = 20_000_000

/** A picture that a client logged under a key at a step. */
export interface StepImage {
  key: string
  step: number
  timestamp: number
  path: string
  /** The smaller twin, if there is one. */
  small?: string
}

/**
 * Pictures logged by step, by their names: `images/KEY+step+7+timestamp+1700000000000+ID.png`, with a smaller twin that
 * ends in `+compressed.webp`. Older clients wrote % for +, and # for the slashes of a key where newer ones write ~.
 */
export function stepImage(path: string): (StepImage & { id: string; compressed: boolean }) | undefined {
  const file = path.slice(path.lastIndexOf('/') + 1)
  const hit = /^(.+)([+%])step\2(-?\d+)\2timestamp\2(\d+)\2(.+?)(\2compressed)?\.\w+$/.exec(file)
  if (!hit) return undefined
  const [, key = '', , step, timestamp, id = '', compressed] = hit
  return { key: key.replaceAll(/[~#]/g, '/'), step: Number(step), timestamp: Number(timestamp), path, id, compressed: compressed !== undefined }
}

/** The pictures of a folder by key, each ordered by step. */
export function imageSeries(paths: string[]): { key: string; images: StepImage[] }[] {
  const found = new Map<string, Map<string, StepImage>>()
  for (const path of paths) {
    const image = stepImage(path)
    if (!image) continue
    const { key, step, timestamp, id, compressed } = image
    const series = found.get(key) ?? new Map<string, StepImage>()
    const there = series.get(id)
    if (!there) series.set(id, { key, step, timestamp, path, small: compressed ? path : undefined })
    else if (compressed) there.small = path
    else there.path = path
    found.set(key, series)
  }
  return [...found].map(([key, series]) => ({ key, images: [...series.values()].sort((a, b) => a.step - b.step || a.timestamp - b.timestamp) })).sort((a, b) => a.key.localeCompare(b.key))
}
