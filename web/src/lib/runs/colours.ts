/** A run keeps its colour for life: it follows from its identifier alone, on every page and in every chart. */

/** A number that differs in all bits for texts that differ little (FNV-1a, mixed). */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** Lightness and saturation come from one of these tokens, so that each theme has its own. */
export const tones = ['--run-tone-1', '--run-tone-2', '--run-tone-3'] as const

/** Hues that people tell apart, with a name for each; equal steps would be half green and blue. */
const hues = [20, 38, 58, 78, 98, 118, 140, 162, 184, 208, 232, 256, 276, 296, 314, 332, 350, 6]

export interface RunColour {
  tone: (typeof tones)[number]
  /** Degrees. */
  hue: number
}

export function runColour(id: string): RunColour {
  const value = hash(id)
  return { tone: tones[(value >>> 16) % tones.length] ?? tones[0], hue: hues[value % hues.length] ?? 0 }
}

/** As a style sheet writes it. */
export function runCss(id: string): string {
  const { tone, hue } = runColour(id)
  return `oklch(var(${tone}) ${hue})`
}
