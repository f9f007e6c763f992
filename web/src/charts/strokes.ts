import { colourOf, tones } from '../lib/runs/colours'
import { palette } from '../lib/runs/palette.svelte'
import { colour } from '../lib/theme.svelte'

/** A run's colour as a canvas takes it, in the theme of now; read inside an effect so that a change is seen. */
export function runStrokes(): (id: string) => string {
  const now = Object.fromEntries(tones.map((tone) => [tone, colour(tone)]))
  return (id) => {
    const { tone, hue } = colourOf(palette.slot(id))
    return `oklch(${now[tone]} ${hue})`
  }
}
