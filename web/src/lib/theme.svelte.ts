export type Choice = 'system' | 'dark' | 'light'

const key = 'ropewalk.theme'
const system = window.matchMedia('(prefers-color-scheme: light)')

function kept(): Choice {
  const given = document.documentElement.dataset.theme
  return given === 'dark' || given === 'light' ? given : 'system'
}

/** Dark or light: the system's, or the person's choice, which is kept. */
class Theme {
  choice = $state<Choice>(kept())
  #system = $state<'dark' | 'light'>(system.matches ? 'light' : 'dark')

  constructor() {
    system.addEventListener('change', () => (this.#system = system.matches ? 'light' : 'dark'))
  }

  /** What is shown. */
  get shown(): 'dark' | 'light' {
    return this.choice === 'system' ? this.#system : this.choice
  }

  /** Change to the other one. */
  toggle(): void {
    const other = this.shown === 'dark' ? 'light' : 'dark'
    // The choice that equals the system's is no choice: it follows the system again.
    this.choice = other === this.#system ? 'system' : other
    if (this.choice === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = other
    try {
      if (this.choice === 'system') localStorage.removeItem(key)
      else localStorage.setItem(key, other)
    } catch {
      // No storage: it holds until the tab is closed.
    }
  }
}

export const theme = new Theme()

/** The colour that a token stands for now; read inside an effect so that a change of theme is seen. */
export function colour(token: string): string {
  void theme.shown
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim()
}
