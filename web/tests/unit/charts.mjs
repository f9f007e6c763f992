/** Scales, curves, smoothing and picking on axes. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const scale = await load('charts/scale.ts')
const parallel = await load('charts/parallel.ts')
const { smooth, nearest } = await load('lib/runs/smooth.ts')
const curves = await load('lib/runs/curves.ts')
const { metricGroups } = await load('lib/metric-groups.ts')
const { compareRows } = await load('lib/compare.ts')

const curve = (x, values) => ({ id: 'a', run: 'a', key: 'k', total: x.length, x: Float64Array.from(x), least: Float64Array.from(values), most: Float64Array.from(values), last: Float64Array.from(values), smooth: Float64Array.from(values) })

export const tests = {
  'a scale is of numbers or of texts'() {
    const numbers = scale.scaleOf([1, '10', null, 100], true)
    assert.equal(numbers.kind, 'log')
    assert.ok(Math.abs(scale.position(numbers, 10) - 0.5) < 1e-9)
    assert.ok(Math.abs(scale.valueAt(numbers, 0.5) - 10) < 1e-9)
    assert.ok(Number.isNaN(scale.position(numbers, 0)), 'nothing below zero on a logarithmic scale')
    const texts = scale.scaleOf(['b', 'a', 'c', 'a'], false)
    assert.deepEqual(texts.texts, ['a', 'b', 'c'])
    assert.equal(scale.position(texts, 'b'), 0.5)
    assert.ok(Number.isNaN(scale.position(texts, 'z')) && Number.isNaN(scale.position(texts, null)))
    for (const odd of [[], [null], [NaN, 'NaN'], [5], [0, 0], [-1, -2]]) for (const log of [true, false]) {
      const made = scale.scaleOf(odd, log)
      assert.ok(made.high > made.low, JSON.stringify([odd, log]))
      assert.ok(scale.ticks(made, 5).every(({ at }) => at >= -1e-6 && at <= 1 + 1e-6))
    }
  },

  'ticks are round and lie within'() {
    assert.deepEqual(scale.ticks({ kind: 'linear', low: 0.03, high: 0.97, texts: [] }, 5).map(({ text }) => text), ['0.2', '0.4', '0.6', '0.8'])
    assert.deepEqual(scale.ticks({ kind: 'log', low: 1e-4, high: 10, texts: [] }, 6).map(({ text }) => text), ['1e-4', '0.001', '0.01', '0.1', '1', '10'])
  },

  'smoothing is unbiased at its beginning and blind to gaps'() {
    assert.deepEqual(smooth([3, 3, 3], 0.9).map((value) => Number(value.toFixed(9))), [3, 3, 3])
    const result = smooth([1, NaN, 1], 0.5)
    assert.ok(Number.isNaN(result[1]) && result[2] === 1)
    assert.deepEqual(smooth([1, 2], 0), [1, 2])
    assert.ok(Math.abs(smooth([0, 10], 0.5)[1] - 20 / 3) < 1e-9)
    assert.equal(nearest([1, 5, 9], 6), 1)
    assert.equal(nearest([1, 5, 9], 7.1), 2)
    assert.equal(nearest([1, 5, 9], -3), 0)
    assert.equal(nearest([], 1), -1)
  },

  'the reach of curves leaves out what is no number'() {
    const reach = curves.extent([curve([0, 1, 2], [1, NaN, 3]), curve([5], [Infinity])], undefined, false, false)
    assert.deepEqual(reach, { x: [0, 5], y: [1, 3] })
    assert.deepEqual(curves.extent([curve([0, 1, 2], [-1, 5, 10])], undefined, false, true).y, [5, 10], 'a logarithm begins above zero')
    assert.deepEqual(curves.extent([curve([0, 1, 2], [1, 2, 3])], { from: 0.5, to: 1.5 }, false, false), { x: [0.5, 1.5], y: [1.9, 2.1] })
    assert.equal(curves.extent([], undefined, false, false), undefined)
    assert.ok(curves.single([curve([0], [1])]) && !curves.single([curve([0, 1], [1, 2])]) && !curves.single([]))
  },

  'a stretch of an axis picks numbers, or the texts within'() {
    const lr = scale.scaleOf(['0.1', '0.2', '0.4'], false)
    assert.deepEqual(parallel.pick('params.lr', lr, ['0.1', '0.2', '0.4'], 0, 0.5), { texts: ['0.1', '0.2'] }, 'parameters are texts')
    const loss = scale.scaleOf([0, 10], false)
    assert.deepEqual(parallel.pick('metrics.loss', loss, [0, 10], 0.8, 0.25), { from: 2.5, to: 8 })
    assert.deepEqual(parallel.pick('metrics.loss', loss, [0, 10], 0.5, 1.2), { from: 5, to: 10 })
    const model = scale.scaleOf(['a', 'b', 'c'], false)
    assert.deepEqual(parallel.pick('tags.model', model, ['a', 'b', 'c'], 0.4, 1), { texts: ['b', 'c'] })
    assert.equal(parallel.pick('tags.model', model, ['a', 'b', 'c'], 0.1, 0.2), undefined, 'between two texts lies none')
  },

  'lines go through what is picked, or not'() {
    const values = new Map([['params.m', ['a', 'b', 'a', null]], ['metrics.x', [1, 2, 3, 4]]])
    const axes = parallel.axesOf(['params.m', 'metrics.x'], values, [])
    const lines = parallel.linesOf(axes, ['r1', 'r2', 'r3', 'r4'], values, () => -1)
    const through = (picked) => lines.filter(parallel.fitting(axes, picked)).map(({ run }) => run)
    assert.deepEqual(through({}), ['r1', 'r2', 'r3', 'r4'])
    assert.deepEqual(through({ 'params.m': { texts: ['a'] } }), ['r1', 'r3'])
    assert.deepEqual(through({ 'params.m': { texts: ['a'] }, 'metrics.x': { from: 2, to: 4 } }), ['r3'])
    assert.deepEqual(through({ 'metrics.unknown': { from: 0, to: 1 } }), ['r1', 'r2', 'r3', 'r4'], 'an axis that is not drawn hides nothing')
    const box = { left: 0, top: 0, width: 100, height: 100 }
    assert.equal(parallel.nearestLine(lines, box, 2, 100, 98)?.run, 'r1')
    assert.equal(parallel.nearestLine(lines, box, 2, 100, 2)?.run, 'r4')
  },

  'metrics that belong together share a chart'() {
    const groups = metricGroups(['train_loss', 'val_loss', 'lr', 'val/auc', 'train/auc', 'test'])
    assert.deepEqual(groups, [{ title: 'auc', keys: ['train/auc', 'val/auc'] }, { title: 'loss', keys: ['train_loss', 'val_loss'] }, { title: 'lr', keys: ['lr'] }, { title: 'test', keys: ['test'] }])
  },

  'a comparison knows the best, and what is the same'() {
    const run = (id) => ({ run_id: id, name: id, experiment: 'e', status: 'FINISHED', user: 'u', tags: {} })
    const rows = compareRows({
      runs: [run('a'), run('b'), run('c')],
      params: [{ key: 'lr', values: ['1', '2', null], same: false }],
      tags: [{ key: 'mlflow.user', values: ['x', 'y', 'z'], same: false }],
      metrics: [{ key: 'loss', last: [1, 2, 1], least: [0.5, 2, 1], most: [1, 2, 1], same: false }, { key: 'auc', last: ['NaN', 0.7, 0.9], least: [null, 0.7, 0.9], most: [null, 0.7, 0.9], same: false }],
    }, 'last')
    const row = (key) => rows.find((one) => one.key === key)
    assert.deepEqual(row('lr').like, [true, false, false])
    assert.deepEqual([...row('loss').best], [0, 2])
    assert.deepEqual([...row('auc').best], [2])
    assert.equal(row('mlflow.user'), undefined)
    assert.ok(row('status').same && row('status').section === 'Run')
  },
}
