/** A small part of Markdown, enough for post-mortems: read into plain data, so that no HTML is ever made from text. */

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong'; text: string }
  | { kind: 'emphasis'; text: string }
  | { kind: 'link'; text: string; href: string }

export type Block =
  | { kind: 'heading'; level: number; text: Inline[] }
  | { kind: 'paragraph'; text: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; text: Inline[] }
  | { kind: 'rule' }

export function markdown(source: string): Block[] {
  const lines = source.replaceAll('\r\n', '\n').split('\n')
  const blocks: Block[] = []
  let place = 0
  const line = () => lines[place] ?? ''

  while (place < lines.length) {
    const text = line()
    if (!text.trim()) {
      place += 1
    } else if (text.startsWith('```')) {
      const code: string[] = []
      for (place += 1; place < lines.length && !line().startsWith('```'); place += 1) code.push(line())
      place += 1
      blocks.push({ kind: 'code', text: code.join('\n') })
    } else if (/^#{1,6}\s/.test(text)) {
      const level = text.length - text.replace(/^#+/, '').length
      blocks.push({ kind: 'heading', level, text: inline(text.slice(level).trim()) })
      place += 1
    } else if (/^(-{3,}|\*{3,})\s*$/.test(text)) {
      blocks.push({ kind: 'rule' })
      place += 1
    } else if (text.startsWith('>')) {
      const quoted = take(/^>/).map((quote) => quote.replace(/^>\s?/, ''))
      blocks.push({ kind: 'quote', text: inline(quoted.join(' ')) })
    } else if (text.startsWith('|') && /^\|?[\s:|-]+\|?$/.test(lines[place + 1] ?? '')) {
      const rows = take(/^\|/).map(cells)
      blocks.push({ kind: 'table', head: rows[0] ?? [], rows: rows.slice(2) })
    } else if (/^\s*([-*]|\d+\.)\s+/.test(text)) {
      const ordered = /^\s*\d+\./.test(text)
      const items: string[] = []
      while (place < lines.length && line().trim()) {
        const start = /^\s*(?:[-*]|\d+\.)\s+(.*)$/.exec(line())
        if (start) items.push(start[1] ?? '')
        else if (/^\s/.test(line()) && items.length) items[items.length - 1] += ` ${line().trim()}`
        else break
        place += 1
      }
      blocks.push({ kind: 'list', ordered, items: items.map(inline) })
    } else {
      const words: string[] = []
      while (place < lines.length && line().trim() && !/^(#{1,6}\s|```|>|\||\s*([-*]|\d+\.)\s+)/.test(line())) {
        words.push(line().trim())
        place += 1
      }
      if (words.length === 0) {
        words.push(text)
        place += 1
      }
      blocks.push({ kind: 'paragraph', text: inline(words.join(' ')) })
    }
  }
  return blocks

  function take(pattern: RegExp): string[] {
    const taken: string[] = []
    while (place < lines.length && pattern.test(line())) {
      taken.push(line())
      place += 1
    }
    return taken
  }
}

function cells(row: string): Inline[][] {
  const inner = row.trim().replace(/^\|/, '').replace(/\|$/, '')
  return inner.split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replaceAll('\\|', '|')))
}

function inline(text: string): Inline[] {
  const found: Inline[] = []
  const pattern = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)|(?<![\w*])\*([^*\s][^*]*)\*|(?<!\w)_([^_\s][^_]*)_(?!\w)/g
  let last = 0
  for (const hit of text.matchAll(pattern)) {
    if (hit.index > last) found.push({ kind: 'text', text: text.slice(last, hit.index) })
    if (hit[1] !== undefined) found.push({ kind: 'code', text: hit[1] })
    else if (hit[2] !== undefined) found.push({ kind: 'strong', text: hit[2] })
    else if (hit[3] !== undefined && hit[4] !== undefined) found.push(link(hit[3], hit[4]))
    else found.push({ kind: 'emphasis', text: hit[5] ?? hit[6] ?? '' })
    last = hit.index + hit[0].length
  }
  if (last < text.length) found.push({ kind: 'text', text: text.slice(last) })
  return found
}

/** A link only where it leads to a page: never to a script. */
function link(text: string, href: string): Inline {
  return /^(https?:\/\/|\/(?!\/))/.test(href) ? { kind: 'link', text, href } : { kind: 'text', text }
}
