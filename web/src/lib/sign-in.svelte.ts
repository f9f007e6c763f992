/** The token of a server that asks for one; kept for the tab only. */
const key = 'ropewalk.token'

function kept(): string {
  try {
    return sessionStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}

class SignIn {
  #token = $state(kept())
  /** Grows with every sign-in, so that what failed before is asked for again. */
  turn = $state(0)

  get token(): string {
    return this.#token
  }

  /** Use a token from now on; an empty one forgets it. */
  use(token: string): void {
    this.#token = token
    this.turn += 1
    try {
      if (token) sessionStorage.setItem(key, token)
      else sessionStorage.removeItem(key)
    } catch {
      // No storage: it holds until the tab is closed.
    }
  }
}

export const signIn = new SignIn()

/** The header that says who we are. */
export function credentials(): Record<string, string> {
  return signIn.token ? { authorization: `Bearer ${signIn.token}` } : {}
}
