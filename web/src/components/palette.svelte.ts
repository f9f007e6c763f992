/** Whether the palette of places is open; opened by its button and by Ctrl K. */
export const palette = $state({ open: false })

export function openPalette(): void {
  palette.open = true
}
