import { colour } from '../lib/theme.svelte'

/** So many colours tell a number's size. */
export const rampSteps = 24

/** Colours from low to high, as a canvas takes them; read inside an effect so that a change of theme is seen. */
export function ramp(): string[] {
  const [low, high] = [parts('--ramp-low'), parts('--ramp-high')]
  return Array.from({ length: rampSteps }, (_, step) => {
    const share = step / (rampSteps - 1)
    const [lightness, chroma, hue] = low.map((from, index) => from + ((high[index] ?? from) - from) * share)
    return `oklch(${lightness} ${chroma} ${hue})`
  })
}

/** Which of the colours a place from 0 to 1 has; -1 where there is no place. */
export function rampStep(place: number): number {
  return Number.isFinite(place) ? Math.max(0, Math.min(rampSteps - 1, Math.round(place * (rampSteps - 1)))) : -1
}

function parts(token: string): number[] {
  return colour(token).split(/\s+/).map(Number)
}
