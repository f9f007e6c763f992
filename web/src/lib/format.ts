/** Numbers, times and sizes as people read them. */

const none = '–'

/** A number with about `digits` significant digits and thin separators. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none
  if (Number.isInteger(value)) return value.toLocaleString('en-GB')
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2)
  const decimals = Math.max(0, Math.min(8, digits - 1 - Math.floor(Math.log10(size))))
  return value.toLocaleString('en-GB', { minimumFractionDigits: Math.min(decimals, 2), maximumFractionDigits: decimals })
}

/** A number with exactly so many decimals, for columns that line up. */
export function fixed(value: number | null | undefined, decimals = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none
  return value.toFixed(decimals)
}

/** A whole number. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return none
  return Math.round(value).toLocaleString('en-GB')
}

/** `3 runs`, `1 run`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** A share from 0 to 1 as per cent. */
export function share(value: number | null | undefined, decimals = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none
  return `${(value * 100).toFixed(decimals)} %`
}

/** Per cent from 0 to 100. */
export function percent(value: number): string {
  return `${Number.isInteger(value) ? value : value.toFixed(1)} %`
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return none
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let size = value
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit += 1
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`
}

/** A span of time. */
export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none
  if (value === 0) return '0 s'
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`
  if (value < 1) return `${Math.round(value * 1000)} ms`
  if (value < 10) return `${value.toFixed(1)} s`
  if (value < 90) return `${Math.round(value)} s`
  if (value < 5400) return `${Math.floor(value / 60)} min ${String(Math.round(value % 60)).padStart(2, '0')} s`
  if (value < 172_800) return `${Math.floor(value / 3600)} h ${String(Math.round((value % 3600) / 60)).padStart(2, '0')} min`
  return `${Math.round(value / 86_400)} d`
}

/** Milliseconds of latency. */
export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none
  if (value < 1) return `${value.toFixed(2)} ms`
  if (value < 100) return `${value.toFixed(1)} ms`
  return value < 1000 ? `${Math.round(value)} ms` : seconds(value / 1000)
}

/** How long ago, coarsely. */
export function ago(time: number | null | undefined, now: number): string {
  if (!time) return none
  const span = Math.max(0, (now - time) / 1000)
  if (span < 5) return 'just now'
  if (span < 60) return `${Math.floor(span)} s ago`
  if (span < 3600) return `${Math.floor(span / 60)} min ago`
  if (span < 86_400) return `${Math.floor(span / 3600)} h ago`
  return `${Math.floor(span / 86_400)} d ago`
}

/** A point in time, in the reader's zone. */
export function moment(time: number | null | undefined): string {
  if (!time) return none
  return new Date(time).toLocaleString('sv-SE', { hour12: false })
}

/** The time of day, to the second. */
export function timeOfDay(time: number): string {
  return new Date(time).toLocaleTimeString('sv-SE', { hour12: false })
}

/** The first digits of an identifier, enough to tell it from others. */
export function short(id: string | null | undefined, digits = 8): string {
  return id ? id.slice(0, digits) : none
}

export function watts(value: number | null | undefined): string {
  if (value === null || value === undefined) return none
  return value >= 1000 ? `${(value / 1000).toFixed(2)} kWh` : `${number(value, 3)} Wh`
}

export function grams(value: number | null | undefined): string {
  if (value === null || value === undefined) return none
  return value >= 1000 ? `${(value / 1000).toFixed(2)} kg` : `${number(value, 3)} g`
}

export function money(value: number | null | undefined, currency: string | undefined): string {
  if (value === null || value === undefined) return none
  if (currency === 'mixed') return 'several currencies'
  const size = Math.abs(value)
  const text = size === 0 || size >= 0.01 ? value.toFixed(2) : size < 0.0001 ? '< 0.0001' : number(value, 2)
  return `${text} ${currency || ''}`.trim()
}

/** A word of the interface's own: `quality_drop` to `quality drop`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ')
}
