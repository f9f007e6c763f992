/** Which part of a large table is seen: rows of one height, columns of many widths. */

/** From `first` up to, not including, `end`. */
export interface Span {
  first: number
  end: number
}

/** The rows that are seen, and some more on both sides. */
export function rowSpan(top: number, height: number, rowHeight: number, count: number, more: number): Span {
  if (count <= 0 || height <= 0) return { first: 0, end: 0 }
  const first = Math.max(0, Math.min(count - 1, Math.floor(top / rowHeight) - more))
  return { first, end: Math.min(count, Math.ceil((top + height) / rowHeight) + more) }
}

/** Columns beside one another. */
export class Tracks {
  /** Where each begins; one more for the end of the last. */
  readonly edges: Float64Array

  constructor(widths: number[]) {
    this.edges = new Float64Array(widths.length + 1)
    widths.forEach((width, index) => { this.edges[index + 1] = (this.edges[index] ?? 0) + width })
  }

  get count(): number {
    return this.edges.length - 1
  }

  get total(): number {
    return this.edges[this.count] ?? 0
  }

  left(index: number): number {
    return this.edges[Math.max(0, Math.min(this.count, index))] ?? 0
  }

  width(index: number): number {
    return this.left(index + 1) - this.left(index)
  }

  /** The column at a place: the last that begins at it or before. */
  at(x: number): number {
    let [low, high] = [0, this.count - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.edges[middle] ?? 0) <= x) low = middle
      else high = middle - 1
    }
    return Math.max(0, low)
  }

  /** The columns that are seen, and some more on both sides. */
  span(left: number, width: number, more: number): Span {
    if (this.count === 0 || width <= 0) return { first: 0, end: 0 }
    return {
      first: Math.max(0, this.at(left) - more),
      end: Math.min(this.count, this.at(left + width) + 1 + more),
    }
  }

  /** Before which column something dropped at a place would stand. */
  gap(x: number): number {
    const index = this.at(x)
    return x > this.left(index) + this.width(index) / 2 ? index + 1 : index
  }
}

/** The span made larger so that it begins and ends at multiples of a size. */
export function whole({ first, end }: Span, size: number, count: number): Span {
  return { first: Math.floor(first / size) * size, end: Math.min(count, Math.ceil(end / size) * size) }
}

/** Where to scroll so that a row is seen wholly; the place itself if it is. */
export function reveal(top: number, height: number, rowHeight: number, row: number): number {
  if (row * rowHeight < top) return row * rowHeight
  const bottom = (row + 1) * rowHeight
  return bottom > top + height ? bottom - height : top
}
