/**
 * A run keeps its colour. It follows from its identifier, so that it is the same for everybody and on every page; only
 * where runs are shown together that would look alike, one of them is given the nearest free hue, and keeps that.
 */

/** A number that differs in all bits for texts that differ little (FNV-1a, mixed). */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** Hues that people tell apart, with a name for each; equal steps would be half green and blue. */
const hues = [20, 45, 75, 110, 142, 168, 205, 235, 262, 290, 320, 350]
/** Lightness and saturation come from one of these tokens, so that each theme has its own. */
export const tones = ['--run-tone-1', '--run-tone-2', '--run-tone-3'] as const
export const slots = hues.length * tones.length

export interface RunColour {
  tone: (typeof tones)[number]
  /** Degrees. */
  hue: number
}

export function colourOf(slot: number): RunColour {
  return { tone: tones[Math.floor(slot / hues.length) % tones.length] ?? tones[0], hue: hues[slot % hues.length] ?? 0 }
}

/** The slot that a run has by itself. */
export function ownSlot(id: string): number {
  return hash(id) % slots
}

/** As a style sheet writes it. */
export function slotCss(slot: number): string {
  const { tone, hue } = colourOf(slot)
  return `oklch(var(${tone}) ${hue})`
}

/**
 * Slots for runs that are shown together. Runs that have one keep it. The others get their own, if nobody here has its
 * hue; else the free hue nearest to it; and when all hues are taken, a free slot.
 */
export function assign(ids: string[], kept: ReadonlyMap<string, number>): Map<string, number> {
  const found = new Map<string, number>()
  const takenSlots = new Set<number>()
  const takenHues = new Set<number>()
  const give = (id: string, slot: number) => {
    found.set(id, slot)
    takenSlots.add(slot)
    takenHues.add(slot % hues.length)
  }
  for (const id of ids) {
    const slot = kept.get(id)
    if (slot !== undefined) give(id, slot)
  }
  // In the order of the identifiers, so that the same runs get the same colours wherever they meet.
  for (const id of ids.filter((one) => !found.has(one)).sort()) {
    const own = ownSlot(id)
    const hue = own % hues.length
    const near = (size: number, from: number) => Array.from({ length: size }, (_, step) => (from + (step % 2 ? -1 : 1) * Math.ceil(step / 2) + size * 2) % size)
    const freeHue = near(hues.length, hue).find((one) => !takenHues.has(one))
    if (freeHue !== undefined) give(id, own - hue + freeHue)
    else give(id, near(slots, own).find((one) => !takenSlots.has(one)) ?? own)
  }
  return found
}
