/** Experiments and runs of the stand-in: those that are logged, and those that are computed when somebody looks. */
import { randomUUID } from 'node:crypto'

export const experiments = []
/** By identifier. */
export const runs = new Map()
/** By experiment: a list that may be computed on demand. */
const lists = new Map()
/** Grows with every change, so that what was sorted before is sorted again. */
export const change = { version: 0 }
export const changed = () => { change.version += 1 }

export function addExperiment(name, tags = {}, at = Date.now()) {
  const experiment = { experiment_id: String(experiments.length), name, artifact_location: `mlflow-artifacts:/${experiments.length}`, lifecycle_stage: 'active', creation_time: at, last_update_time: at, tags: Object.entries(tags).map(([key, value]) => ({ key, value })) }
  experiments.push(experiment)
  lists.set(experiment.experiment_id, [])
  changed()
  return experiment
}

export const findExperiment = (text) => experiments.find(({ name }) => name === text) ?? experiments.find(({ experiment_id }) => experiment_id === text)

/** A run that has been logged. */
export class Run {
  constructor(experiment_id, name, given = {}) {
    this.run_id = given.run_id ?? randomUUID().replaceAll('-', '')
    this.experiment_id = experiment_id
    this.name = name
    this.status = given.status ?? 'RUNNING'
    this.user = given.user ?? 'somebody'
    this.start_ms = given.start_ms ?? Date.now()
    this.end_ms = given.end_ms ?? null
    this.stage = 'active'
    this.params = given.params ?? {}
    this.tags = given.tags ?? {}
    /** Key to measurements, ordered by step. */
    this.metrics = given.metrics ?? {}
    this.inputs = given.inputs ?? []
    this.models = given.models ?? []
    /** Path to bytes. */
    this.files = given.files ?? new Map()
    /** What only our own training says. */
    this.more = given.more ?? {}
  }

  get keys() { return { metrics: Object.keys(this.metrics), params: Object.keys(this.params), tags: Object.keys(this.tags) } }

  param(key) { return this.params[key] ?? null }

  tag(key) { return this.tags[key] ?? null }

  history(key) { return this.metrics[key] ?? [] }

  metric(key, aggregate = 'last') {
    const points = this.metrics[key]
    if (!points?.length) return null
    if (aggregate === 'last') return points.at(-1).value
    if (aggregate === 'first') return points[0].value
    let best = NaN
    for (const { value } of points) if (Number.isNaN(best) || (aggregate === 'min' ? value < best : value > best)) best = value
    return best
  }

  log(key, value, step, timestamp) {
    const points = (this.metrics[key] ??= [])
    points.push({ value, step, timestamp })
    points.sort((a, b) => a.step - b.step || a.timestamp - b.timestamp)
  }
}

export function addRun(run) {
  runs.set(run.run_id, run)
  lists.get(run.experiment_id).unshift(run)
  changed()
  return run
}

/** A list that is there without having been logged. */
export function addList(experiment_id, list) {
  lists.set(experiment_id, list)
  for (const run of list) runs.set(run.run_id, run)
}

export function move(run, experiment_id) {
  lists.set(run.experiment_id, lists.get(run.experiment_id).filter((one) => one !== run))
  run.experiment_id = experiment_id
  lists.get(experiment_id).unshift(run)
  changed()
}

export function purge(run) {
  lists.set(run.experiment_id, lists.get(run.experiment_id).filter((one) => one !== run))
  runs.delete(run.run_id)
  changed()
}

/** The runs of some experiments; of all that are active if none is named. */
export function runsOf(names = []) {
  const chosen = names.length ? names.map(findExperiment).filter(Boolean) : experiments.filter(({ lifecycle_stage }) => lifecycle_stage === 'active')
  return chosen.flatMap(({ experiment_id }) => lists.get(experiment_id))
}
