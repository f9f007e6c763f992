/** The filter language: MLflow's, with OR, NOT, parentheses, BETWEEN and values such as metrics.loss.min. */
import { parse as column } from './column.mjs'

class Wrong extends Error {}

/** The error that the server answers for a filter that it cannot read. */
export const problem = (error) =>
  error instanceof Wrong
    ? { error: { code: 'invalid', what: 'the filter cannot be read', why: error.message, hint: "for example: metrics.loss.min < 0.1 AND (params.model = 'mlp' OR tags.team LIKE 'a%')" } }
    : undefined

function pieces(text) {
  const found = []
  const pattern = /\s*(?:((?:[A-Za-z_]\w*)\.(?:`[^`]*`|"[^"]*")(?:\.\w+)?|[A-Za-z_][\w.\/-]*)|('(?:[^']|'')*'|"[^"]*")|(-?\d+\.?\d*(?:[eE][+-]?\d+)?|-?\.\d+)|(>=|<=|!=|<>|=|<|>)|([(),]))/y
  while (pattern.lastIndex < text.trimEnd().length) {
    const at = pattern.lastIndex
    const hit = pattern.exec(text)
    const place = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0)
    if (!hit) throw new Wrong(`at character ${place + 1}: “${text.slice(place, place + 12)}” is no part of the language`)
    found.push({ text: hit[1] ?? hit[2] ?? hit[3] ?? hit[4] ?? hit[5], kind: hit[1] ? 'word' : hit[2] ? 'text' : hit[3] ? 'number' : hit[4] ? 'operator' : 'mark', at: place })
  }
  return found
}

/** A function that says of a thing whether it fits; `read` gives the value of a column of it. */
export function filter(text, read) {
  if (!text?.trim()) return () => true
  const list = pieces(text)
  let next = 0
  const peek = () => list[next]
  const is = (word) => peek()?.text.toUpperCase() === word
  const wrong = (wanted) => new Wrong(`at character ${(peek()?.at ?? text.length) + 1}: ${wanted} should stand here${peek() ? `, not “${peek().text}”` : ', but the filter ends'}`)
  const take = (word) => { if (!is(word)) throw wrong(word); next += 1 }
  // Parameters and tags are texts, and compared with nothing else.
  const literal = (texts = false) => {
    const piece = peek()
    if (texts && piece?.kind !== 'text') throw wrong('a text in quotes')
    if (!piece || (piece.kind !== 'text' && piece.kind !== 'number')) throw wrong('a value, such as 0.5 or \'text\',')
    next += 1
    return piece.kind === 'number' ? Number(piece.text) : piece.text.slice(1, -1).replaceAll("''", "'")
  }
  const either = () => { const all = [both()]; while (is('OR')) { next += 1; all.push(both()) } return (run) => all.some((one) => one(run)) }
  const both = () => { const all = [not()]; while (is('AND')) { next += 1; all.push(not()) } return (run) => all.every((one) => one(run)) }
  const not = () => {
    if (is('NOT')) { next += 1; const inner = not(); return (run) => !inner(run) }
    if (is('(')) { next += 1; const inner = either(); take(')'); return inner }
    return comparison()
  }
  const comparison = () => {
    const piece = peek()
    if (piece?.kind !== 'word') throw wrong('a column, such as metrics.loss,')
    const which = column(piece.text)
    if (!which) throw wrong('a column, such as metrics.loss,')
    next += 1
    const value = (run) => read(run, which)
    const texts = which.entity === 'params' || which.entity === 'tags'
    const word = peek()?.text.toUpperCase()
    if (word === 'IS') {
      next += 1
      const negative = is('NOT')
      if (negative) next += 1
      take('NULL')
      return (run) => (value(run) === null) !== negative
    }
    if (word === 'BETWEEN') {
      next += 1
      const low = literal(texts)
      take('AND')
      const high = literal(texts)
      return (run) => order(value(run), low) >= 0 && order(value(run), high) <= 0
    }
    const negative = word === 'NOT'
    if (negative) next += 1
    if (is('IN')) {
      next += 1
      take('(')
      const all = [literal()]
      while (is(',')) { next += 1; all.push(literal()) }
      take(')')
      return (run) => value(run) !== null && all.some((one) => order(value(run), one) === 0) !== negative
    }
    if (is('LIKE') || is('ILIKE')) {
      const flags = is('ILIKE') ? 'is' : 's'
      next += 1
      const pattern = new RegExp(`^${String(literal()).replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%', '.*').replaceAll('_', '.')}$`, flags)
      return (run) => value(run) !== null && pattern.test(String(value(run))) !== negative
    }
    if (peek()?.kind !== 'operator') throw wrong('an operator, such as = or >,')
    const operator = list[next++].text
    const wanted = literal(texts)
    return (run) => {
      const left = value(run)
      if (left === null) return false
      const way = order(left, wanted)
      if (Number.isNaN(way)) return operator === '!='
      return { '=': way === 0, '!=': way !== 0, '<>': way !== 0, '<': way < 0, '<=': way <= 0, '>': way > 0, '>=': way >= 0 }[operator]
    }
  }
  const whole = either()
  if (peek()) throw wrong('AND, OR or the end')
  return whole
}

/** Numbers as numbers where both are, else as texts. */
export function order(left, right) {
  if (left === null) return NaN
  if (typeof right === 'number' || typeof left === 'number') {
    const [a, b] = [Number(left), Number(right)]
    return a < b ? -1 : a > b ? 1 : a === b ? 0 : NaN
  }
  const [a, b] = [String(left), String(right)]
  return a < b ? -1 : a > b ? 1 : 0
}
