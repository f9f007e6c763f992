/**
 * Two experiments that nobody could click together: `scale`, 10,000 runs with 1,000 columns, and `long`, 100 runs with
 * 1,000 measurements and one with 100,000. Nothing of it is kept: each value follows from the run and the column.
 */
import { addExperiment, addList } from './store.mjs'

/** From 0 to 1, for two numbers that differ a little. */
function mixed(a, b) {
  let value = Math.imul(a + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35)
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  value = Math.imul(value ^ (value >>> 12), 0x297a2d39)
  return ((value ^ (value >>> 15)) >>> 0) / 4294967296
}

const metricKeys = ['val/loss', 'val/accuracy', 'train/loss', ...Array.from({ length: 697 }, (_, index) => `layer_${String(Math.floor(index / 7)).padStart(2, '0')}/${['grad_norm', 'weight_norm', 'sparsity', 'entropy', 'rank', 'max_abs', 'update_ratio'][index % 7]}`)]
const paramKeys = ['lr', 'optimizer', 'depth', 'width', ...Array.from({ length: 246 }, (_, index) => `config.block_${index}`)]
const tagKeys = ['team', 'node', ...Array.from({ length: 48 }, (_, index) => `label_${index}`)]
const keys = { metrics: metricKeys, params: paramKeys, tags: tagKeys }
const place = new Map([...metricKeys, ...paramKeys, ...tagKeys].map((key, index) => [key, index]))
const began = Date.now() - 90 * 86_400_000

class Computed {
  constructor(experiment_id, index, name, points) {
    Object.assign(this, { experiment_id, index, name, points, stage: 'active', inputs: [], models: [], files: new Map(), more: {}, tags: {} })
    this.run_id = `${(0x10000000 + index * 7919).toString(16)}${experiment_id.padStart(4, '0')}${Math.floor(mixed(index, 3) * 1e12).toString(16).padStart(20, 'a')}`.slice(0, 32)
    this.status = mixed(index, 1) > 0.93 ? 'FAILED' : 'FINISHED'
    this.user = ['ada', 'grace', 'alan', 'edsger'][index % 4]
    this.start_ms = began + index * 600_000
    this.end_ms = this.start_ms + Math.round(60_000 + mixed(index, 2) * 5_000_000)
  }

  get keys() { return keys }

  param(key) {
    const at = place.get(key)
    if (at === undefined || at < metricKeys.length || at >= metricKeys.length + paramKeys.length) return null
    if (key === 'optimizer') return ['adam', 'sgd', 'lion'][this.index % 3]
    if (key === 'lr') return (10 ** (-4.5 + mixed(this.index, at) * 3)).toPrecision(3)
    if (key === 'depth') return String(2 + (this.index % 11))
    if (key === 'width') return String(2 ** (5 + (this.index % 6)))
    return String(Math.floor(mixed(this.index, at) * 40))
  }

  tag(key) {
    if (this.tags[key] !== undefined) return this.tags[key]
    const at = place.get(key)
    return at === undefined || at < metricKeys.length + paramKeys.length ? null : key === 'team' ? ['vision', 'speech', 'search'][this.index % 3] : `v${Math.floor(mixed(this.index, at) * 12)}`
  }

  metric(key, aggregate = 'last') {
    const at = place.get(key)
    if (at === undefined || at >= metricKeys.length) return null
    // One in forty has not logged it.
    if (at > 2 && mixed(this.index, at + 50_000) < 0.025) return null
    const value = key === 'val/accuracy' ? 0.6 + 0.39 * Math.sqrt(mixed(this.index, at)) : mixed(this.index, at) * (at % 5 === 0 ? 1000 : 1)
    return aggregate === 'min' ? value * 0.9 : aggregate === 'max' ? value * 1.1 : aggregate === 'first' ? value * 1.05 : value
  }

  history(key) {
    const at = place.get(key)
    if (at === undefined || at >= metricKeys.length) return []
    const end = this.metric(key) ?? 0
    return Array.from({ length: this.points }, (_, step) => ({ step, timestamp: this.start_ms + step * 500, value: end * (1 + 1.5 * Math.exp(-step / (this.points / 8)) + (mixed(this.index * 31 + at, step) - 0.5) * 0.12) }))
  }
}

export function large() {
  const scale = addExperiment('scale', {}, began)
  addList(scale.experiment_id, Array.from({ length: Number(process.env.RUNS ?? 10_000) }, (_, index) => new Computed(scale.experiment_id, index, `run-${String(index).padStart(5, '0')}`, 120)))
  const long = addExperiment('long', {}, began)
  addList(long.experiment_id, Array.from({ length: 101 }, (_, index) => new Computed(long.experiment_id, index, index ? `long-${String(index).padStart(3, '0')}` : 'hundred-thousand', index ? 1000 : 100_000)))
}
