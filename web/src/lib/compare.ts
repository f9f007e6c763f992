/** The table of a comparison: one row for each parameter, metric and tag, one column for each run. */
import type { Comparison, Value } from '../api/runs'
import { cellNumber, figure, smallIsGood } from './runs/columns'

export type Which = 'last' | 'least' | 'most'

export interface CompareRow {
  section: 'Parameters' | 'Metrics' | 'Tags' | 'Run'
  key: string
  texts: string[]
  same: boolean
  /** The runs with the best value of a metric. */
  best: Set<number>
  /** For each run, whether it has what the first one has. */
  like: boolean[]
}

const text = (value: Value | undefined) => (value === null || value === undefined ? '' : String(value))

function row(section: CompareRow['section'], key: string, texts: string[], same: boolean, best = new Set<number>()): CompareRow {
  return { section, key, texts, same, best, like: texts.map((one) => one === texts[0]) }
}

export function compareRows(comparison: Comparison, which: Which): CompareRow[] {
  const { runs, params, metrics, tags } = comparison
  const plain = tags.filter(({ key }) => !/^(mlflow|ropewalk)\./.test(key))
  const facts: [string, string[]][] = [
    ['status', runs.map(({ status }) => status.toLowerCase())],
    ['user', runs.map(({ user }) => user)],
    ['experiment', runs.map(({ experiment }) => experiment)],
    ['code', runs.map((run) => (run.tags['mlflow.source.git.commit'] ?? '').slice(0, 12))],
    ['source', runs.map((run) => run.tags['mlflow.source.name'] ?? '')],
  ]
  return [
    ...params.map(({ key, values, same }) => row('Parameters', key, values.map(text), same)),
    ...metrics.filter(({ key }) => !key.startsWith('system/')).map((metric) => {
      const values = metric[which]
      const numbers = values.map(figure)
      const known = numbers.filter(Number.isFinite)
      const good = smallIsGood(metric.key) ? Math.min(...known) : Math.max(...known)
      const texts = values.map((value) => (value === null ? '' : cellNumber(figure(value))))
      const same = numbers.every((one) => Object.is(one, numbers[0]))
      const best = new Set(same || known.length < 2 ? [] : numbers.flatMap((one, place) => (one === good ? [place] : [])))
      return row('Metrics', metric.key, texts, same, best)
    }),
    ...plain.map(({ key, values, same }) => row('Tags', key, values.map(text), same)),
    ...facts.filter(([, texts]) => texts.some(Boolean)).map(([key, texts]) => row('Run', key, texts, texts.every((one) => one === texts[0]))),
  ]
}

/** The columns of a comparison, for scatter plots and parallel coordinates. */
export function compareColumns(comparison: Comparison, nameOf: (entity: 'metrics' | 'params', key: string) => string): Map<string, Value[]> {
  return new Map([
    ...comparison.params.map(({ key, values }): [string, Value[]] => [nameOf('params', key), values]),
    ...comparison.metrics.map(({ key, last }): [string, Value[]] => [nameOf('metrics', key), last]),
  ])
}
