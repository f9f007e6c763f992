/** The filter language as it is typed: which words may come next, and where an error stands. */
import type { Column, ColumnInfo } from '../../api/runs'

export interface Token {
  kind: 'word' | 'text' | 'number' | 'operator' | 'open' | 'close' | 'comma'
  text: string
  from: number
  to: number
}

export interface Option {
  text: string
  /** A few words about it. */
  note: string
}

export interface Completion {
  /** What the chosen option takes the place of. */
  from: number
  to: number
  options: Option[]
  /** The column whose values could stand here. */
  valuesOf?: Column
}

const joining = new Set(['AND', 'OR', 'NOT'])
const wordOperators = ['LIKE', 'ILIKE', 'IN', 'NOT IN', 'BETWEEN', 'IS NULL', 'IS NOT NULL']
export const statuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']

/** The pieces of a filter; what is no piece of the language is left out. */
export function tokens(filter: string): Token[] {
  const found: Token[] = []
  const pattern = /(?:[A-Za-z_]\w*\.(?:`[^`]*`?|"[^"]*"?)?[\w.\/-]*)|'[^']*'?|"[^"]*"?|`[^`]*`?|-?\d[\d.]*(?:[eE][+-]?\d+)?|[A-Za-z_][\w\/-]*|[<>!=]+|[(),]/g
  for (const hit of filter.matchAll(pattern)) {
    const text = hit[0]
    const first = text.charAt(0)
    const kind: Token['kind'] =
      text === '(' ? 'open' : text === ')' ? 'close' : text === ',' ? 'comma'
      : /[<>!=]/.test(first) ? 'operator'
      : first === "'" || first === '"' ? 'text'
      : /[\d-]/.test(first) ? 'number'
      : 'word'
    found.push({ kind, text, from: hit.index, to: hit.index + text.length })
  }
  return found
}

/** What may be written where the caret stands. */
export function complete(filter: string, caret: number, known: ColumnInfo[]): Completion {
  const before = tokens(filter).filter(({ from }) => from < caret)
  const last = before.at(-1)
  // The word that is being typed, if the caret stands in or right behind it.
  const typing = last && last.to >= caret && (last.kind === 'word' || last.kind === 'text' || last.kind === 'operator') ? before.pop() : undefined
  const from = typing?.from ?? caret
  const to = typing?.to ?? caret
  const typed = filter.slice(from, caret)
  const place = expects(before)
  if (place.kind === 'column') {
    const options = columnOptions(known, typed)
    if (/^n/i.test(typed) || typed === '') options.push({ text: 'NOT ', note: 'the opposite' })
    return { from, to, options: options.slice(0, 50) }
  }
  if (place.kind === 'operator') {
    const numeric = isNumeric(place.column, known)
    const operators = numeric ? ['>', '>=', '<', '<=', '=', '!=', 'BETWEEN', 'IS NULL', 'IS NOT NULL'] : ['=', '!=', ...wordOperators]
    return { from, to, options: fitting(operators, typed).map((text) => ({ text: `${text} `, note: meaning[text] ?? '' })) }
  }
  if (place.kind === 'value') {
    const options = /status$/.test(place.column) ? statuses.map((text) => ({ text: `'${text}'`, note: 'status' })) : range(place.column, known)
    return { from, to, options: options.filter(({ text }) => text.toLowerCase().startsWith(typed.toLowerCase())), valuesOf: place.column }
  }
  return { from, to, options: fitting(place.kind === 'and' ? ['AND'] : ['AND', 'OR'], typed).map((text) => ({ text: `${text} `, note: text === 'AND' ? 'both hold' : 'one holds' })) }
}

const meaning: Record<string, string> = {
  LIKE: 'with % and _',
  ILIKE: 'with % and _, whatever the case',
  IN: "one of ('a', 'b')",
  'NOT IN': 'none of them',
  BETWEEN: 'low AND high',
  'IS NULL': 'is not there',
  'IS NOT NULL': 'is there',
}

type Place = { kind: 'column' } | { kind: 'operator'; column: Column } | { kind: 'value'; column: Column } | { kind: 'joint' } | { kind: 'and' }

/** Follows the language from its beginning, since AND means another thing within BETWEEN. */
function expects(before: Token[]): Place {
  let place: Place = { kind: 'column' }
  let column = ''
  let between = 0
  for (const { kind, text } of before) {
    const word = text.toUpperCase()
    if (kind === 'open' && place.kind === 'column') continue
    if (kind === 'close') { place = { kind: 'joint' }; continue }
    if (place.kind === 'column') {
      if (kind === 'word' && !joining.has(word)) {
        column = text
        place = { kind: 'operator', column }
      }
    } else if (place.kind === 'operator') {
      if (word === 'BETWEEN') { between = 2; place = { kind: 'value', column } }
      else if (word === 'NULL') place = { kind: 'joint' }
      else if (word === 'IS' || word === 'NOT') place = { kind: 'operator', column }
      else place = { kind: 'value', column }
    } else if (place.kind === 'value') {
      if (kind === 'open' || kind === 'comma') continue
      if (between === 2 && word !== 'AND') { between = 1; place = { kind: 'joint' } }
      else { between = 0; place = { kind: 'joint' } }
    } else if (word === 'AND' && between === 1) place = { kind: 'value', column }
    else if (kind === 'comma') place = { kind: 'value', column }
    else if (joining.has(word)) { between = 0; place = { kind: 'column' } }
  }
  return place.kind === 'joint' && between === 1 ? { kind: 'and' } : place
}

function isNumeric(column: Column, known: ColumnInfo[]): boolean {
  return column.startsWith('metrics.') || known.find((one) => one.column === column)?.kind === 'number' || /_time$|duration$/.test(column)
}

function range(column: Column, known: ColumnInfo[]): Option[] {
  const info = known.find((one) => one.column === column)
  if (!info || typeof info.least !== 'number') return []
  return [{ text: String(info.least), note: 'the least' }, { text: String(info.most), note: 'the most' }]
}

function fitting(words: string[], typed: string): string[] {
  return words.filter((word) => word.startsWith(typed.toUpperCase()))
}

const attributes: Option[] = ['run_name', 'status', 'start_time', 'end_time', 'duration', 'user_id', 'run_id', 'experiment_id'].map((key) => ({ text: `attributes.${key} `, note: '' }))

function columnOptions(known: ColumnInfo[], typed: string): Option[] {
  const word = typed.toLowerCase().replaceAll('`', '')
  const all: Option[] = [
    ...known.filter(({ column }) => !column.startsWith('attributes.')).map(({ column, runs, kind }) => ({ text: `${column} `, note: `${kind}, ${runs} ${runs === 1 ? 'run' : 'runs'}` })),
    ...attributes,
  ]
  if (!word) return all
  const plain = ({ text }: Option) => text.toLowerCase().replaceAll('`', '')
  const starts = all.filter((option) => plain(option).startsWith(word))
  const keys = all.filter((option) => !starts.includes(option) && plain(option).replace(/^\w+\./, '').startsWith(word))
  const holds = all.filter((option) => !starts.includes(option) && !keys.includes(option) && plain(option).includes(word))
  return [...starts, ...keys, ...holds]
}

/** A text as the language writes it. */
export function quote(text: string): string {
  return text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "''")}'`
}

/** Two filters that must both hold. */
export function both(...filters: (string | undefined)[]): string {
  const said = filters.map((filter) => filter?.trim() ?? '').filter(Boolean)
  return said.length > 1 ? said.map((filter) => `(${filter})`).join(' AND ') : (said[0] ?? '')
}

/** Where in the filter the server's explanation points, counted from 0; the server counts characters from 1. */
export function errorPlace(why: string | undefined): number | undefined {
  const hit = /\bat character (\d+)/i.exec(why ?? '')
  return hit ? Math.max(0, Number(hit[1]) - 1) : undefined
}
