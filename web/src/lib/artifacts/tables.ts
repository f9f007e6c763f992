/** Tables among artifacts: as clients log them in JSON, and comma-separated. */

export interface FileTable {
  columns: string[]
  rows: unknown[][]
}

/** The path of a picture that a table's cell points to. */
export function cellImage(value: unknown): string | undefined {
  if (!value || typeof value !== 'object') return undefined
  const { type, filepath, compressed_filepath } = value as Record<string, unknown>
  if (type !== 'image') return undefined
  return typeof compressed_filepath === 'string' ? compressed_filepath : typeof filepath === 'string' ? filepath : undefined
}

/** A JSON text as a table: `{"columns": […], "data": [[…]]}`, or a list of objects. */
export function jsonTable(text: string): FileTable | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (Array.isArray(value)) {
    if (value.length === 0 || !value.every((row) => row && typeof row === 'object' && !Array.isArray(row))) return undefined
    const rows = value as Record<string, unknown>[]
    const columns = [...new Set(rows.slice(0, 1000).flatMap((row) => Object.keys(row)))]
    return { columns, rows: rows.map((row) => columns.map((column) => row[column])) }
  }
  if (!value || typeof value !== 'object') return undefined
  const { columns, data } = value as { columns?: unknown; data?: unknown }
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray)) return undefined
  return { columns: columns.map(String), rows: data as unknown[][] }
}

/** Comma-separated text, with quotes; the separator is what the first line has most of. */
export function csvTable(text: string): FileTable {
  const first = text.slice(0, text.search(/\r?\n|$/))
  const separator = [',', '\t', ';'].sort((a, b) => first.split(b).length - first.split(a).length)[0] ?? ','
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? ''
    if (quoted) {
      if (letter !== '"') cell += letter
      else if (text[at + 1] === '"') { cell += '"'; at += 1 }
      else quoted = false
    } else if (letter === '"' && cell === '') quoted = true
    else if (letter === separator) { row.push(cell); cell = '' }
    else if (letter === '\n' || letter === '\r') {
      if (letter === '\r' && text[at + 1] === '\n') at += 1
      row.push(cell)
      rows.push(row)
      row = []
      cell = ''
    } else cell += letter
  }
  if (cell !== '' || row.length) { row.push(cell); rows.push(row) }
  const [columns = [], ...rest] = rows
  return { columns, rows: rest.filter((one) => one.length > 1 || one[0] !== '') }
}

/** The rows ordered by a column: numbers as numbers, what is missing last. */
export function sorted(rows: unknown[][], column: number, down: boolean): unknown[][] {
  const way = down ? -1 : 1
  const number = (value: unknown) => (value === '' || value === null || value === undefined || typeof value === 'boolean' ? NaN : Number(value))
  return rows.toSorted((a, b) => {
    const [left, right] = [a[column], b[column]]
    const [lost, gone] = [left === null || left === undefined || left === '', right === null || right === undefined || right === '']
    if (lost || gone) return Number(lost) - Number(gone)
    const [x, y] = [number(left), number(right)]
    if (!Number.isNaN(x) && !Number.isNaN(y)) return (x - y) * way
    return shown(left).localeCompare(shown(right), 'en', { numeric: true }) * way
  })
}

/** A cell in words. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
