/** What went wrong, as the server says it: what, why, and what to run next. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly what: string,
    readonly why?: string,
    readonly hint?: string,
    readonly status?: number,
  ) {
    super(what)
  }

  /** Whether signing in would help. */
  get needsSignIn(): boolean {
    return this.status === 401
  }

  /** Any thrown thing as a problem. */
  static of(thrown: unknown): Problem {
    if (thrown instanceof Problem) return thrown
    return new Problem('internal', thrown instanceof Error ? thrown.message : String(thrown))
  }

  /** The problem that an answer with an error status tells. */
  static async from(response: Response): Promise<Problem> {
    const status = response.status
    const body: unknown = await response.json().catch(() => undefined)
    const error = body && typeof body === 'object' ? (body as Record<string, unknown>).error : undefined
    if (error && typeof error === 'object') {
      const detail = error as Record<string, string | undefined>
      return new Problem(detail.code ?? `http ${status}`, detail.what ?? response.statusText, detail.why, detail.hint, status)
    }
    const what = typeof error === 'string' ? error : response.statusText || `the server answered ${status}`
    return new Problem(status === 404 ? 'not_found' : `http ${status}`, what, undefined, undefined, status)
  }
}
