import type { Cost, RunSummary } from '../api/types'

/** The recipe that trained a run, if it was one of ours. */
export function recipeOf(run: RunSummary): string | undefined {
  return run.params.recipe ?? run.tags['ropewalk.recipe']
}

/** What a run cost, from its tag or its metrics. */
export function costOf(run: RunSummary & { cost?: Cost | null }): Partial<Cost> | undefined {
  if (run.cost) return run.cost
  const text = run.tags['ropewalk.cost']
  if (text) {
    try {
      return JSON.parse(text) as Cost
    } catch {
      // Another client's tag of that name.
    }
  }
  const watts = Number(run.metrics.watt_hours)
  return Number.isFinite(watts) ? { watt_hours: watts, grams_co2e: Number(run.metrics.grams_co2e) } : undefined
}

/** Tags that the page shows in words, or that only machines read. */
export function plainTags(tags: Record<string, string>): [string, string][] {
  return Object.entries(tags).filter(([key]) => !/^(ropewalk|mlflow)\./.test(key))
}
