/** Exponential smoothing as training curves want it: unbiased at its beginning, and blind to what is not a number. */
export function smooth(values: number[], weight: number): number[] {
  if (weight <= 0) return values
  let sum = 0
  let share = 0
  return values.map((value) => {
    if (!Number.isFinite(value)) return value
    sum = sum * weight + value * (1 - weight)
    share = share * weight + (1 - weight)
    return sum / share
  })
}

/** The index of the value nearest to a place in an ascending list; -1 of an empty one. */
export function nearest(ascending: ArrayLike<number>, wanted: number): number {
  if (ascending.length === 0) return -1
  let [low, high] = [0, ascending.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] ?? 0) < wanted) low = middle + 1
    else high = middle
  }
  const before = ascending[low - 1]
  return before !== undefined && wanted - before < (ascending[low] ?? 0) - wanted ? low - 1 : low
}
