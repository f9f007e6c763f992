import { runColour, tones } from '../lib/runs/colours'
import { colour } from '../lib/theme.svelte'

/** A run's colour as a canvas takes it, in the theme of now; read inside an effect so that a change of theme is seen. */
export function runStrokes(): (id: string) => string {
  const now = Object.fromEntries(tones.map((tone) => [tone, colour(tone)]))
  return (id) => {
    const { tone, hue } = runColour(id)
    return `oklch(${now[tone]} ${hue})`
  }
}
