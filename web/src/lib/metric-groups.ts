/** Metrics that belong together share a chart: those whose names differ only in the part of the data, such as train_loss and val_loss. */

const parts = /^(train(?:ing)?|val(?:id(?:ation)?)?|test|eval)(?=[_./-])/i

export interface MetricGroup {
  /** What the members have in common. */
  title: string
  keys: string[]
}

export function metricGroups(keys: string[]): MetricGroup[] {
  const found = new Map<string, string[]>()
  for (const key of keys) {
    const title = key.replace(parts, '').replace(/^[_./-]/, '') || key
    found.set(title, [...(found.get(title) ?? []), key])
  }
  return [...found]
    .map(([title, members]) => ({ title: members.length > 1 ? title : (members[0] ?? title), keys: members.sort() }))
    .sort((a, b) => a.title.localeCompare(b.title))
}
