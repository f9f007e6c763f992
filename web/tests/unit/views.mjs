/** Columns, the choice of them, and the state that a link carries. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const columns = await load('lib/runs/columns.ts')
const choice = await load('lib/runs/choice.ts')
const view = await load('lib/runs/view.ts')

const info = (column, more = {}) => ({ column, runs: 10, kind: column.startsWith('metrics.') ? 'number' : 'text', distinct: column.startsWith('metrics.') ? null : 3, least: null, most: null, ...more })
const known = ['metrics.val_auc', 'metrics.train_loss', 'metrics.`system/cpu`', 'params.lr', 'params.seed', 'tags.team'].map((column) => info(column))

export const tests = {
  'a column says what it is, and reads back'() {
    const cases = {
      'metrics.loss': ['metrics', 'loss', 'last'],
      'metrics.loss.min': ['metrics', 'loss', 'min'],
      'metrics.val.loss.max': ['metrics', 'val.loss', 'max'],
      'metrics.`loss.min`': ['metrics', 'loss.min', 'last'],
      'metrics.`val/loss`.first': ['metrics', 'val/loss', 'first'],
      'params.`a b`': ['params', 'a b', 'last'],
      'params.min': ['params', 'min', 'last'],
      'tags.mlflow.parentRunId': ['tags', 'mlflow.parentRunId', 'last'],
      'attributes.start_time': ['attributes', 'start_time', 'last'],
    }
    for (const [column, [entity, key, aggregate]] of Object.entries(cases)) {
      assert.deepEqual(columns.parse(column), { entity, key, aggregate }, column)
      assert.equal(columns.name({ entity, key, aggregate }), column)
    }
  },

  'cells are short, whatever the number'() {
    assert.equal(columns.cellNumber(0.123456), '0.1235')
    assert.equal(columns.cellNumber(12), '12')
    assert.equal(columns.cellNumber(1234.5678), '1234.6')
    assert.equal(columns.cellNumber(0.00000123), '1.230e-6')
    assert.equal(columns.cellNumber(NaN), 'NaN')
    assert.equal(columns.cellText('metrics.a', '-Infinity'), '−∞')
    assert.equal(columns.cellText('params.a', null), '')
    assert.equal(columns.cellText('attributes.duration', 61_000), '61 s')
    for (let power = -12; power < 14; power += 1) assert.ok(columns.cellNumber(1.23456789 * 10 ** power).length <= 10)
  },

  'the usual columns are those that tell something'() {
    const shown = choice.usualColumns([...known, info('params.same', { distinct: 1 })], false)
    assert.ok(shown.indexOf('metrics.val_auc') < shown.indexOf('metrics.train_loss'), 'validation first')
    assert.ok(!shown.includes('metrics.`system/cpu`'), 'no system metric')
    assert.ok(!shown.includes('params.same'), 'no parameter that is the same everywhere')
    assert.ok(choice.usualColumns(known, true).includes('attributes.experiment_id'))
  },

  'columns are shown, hidden and moved, by name or by star'() {
    const all = ['attributes.status', 'metrics.*', 'params.*']
    const names = (specification) => choice.resolve(specification, known)
    assert.deepEqual(names(all), ['attributes.status', 'metrics.val_auc', 'metrics.train_loss', 'metrics.`system/cpu`', 'params.lr', 'params.seed'])
    const less = choice.hide(all, 'metrics.train_loss')
    assert.ok(!names(less).includes('metrics.train_loss'))
    assert.deepEqual(names(choice.show(less, 'metrics.train_loss')), names(all))
    assert.deepEqual(choice.show(all, 'params.lr'), all, 'what a star shows need not be named')
    assert.deepEqual(names(choice.show(all, 'tags.team')).at(-1), 'tags.team')
    for (const [column, before, wanted] of [
      ['params.seed', 'metrics.val_auc', ['attributes.status', 'params.seed', 'metrics.val_auc', 'metrics.train_loss', 'metrics.`system/cpu`', 'params.lr']],
      ['attributes.status', undefined, ['metrics.val_auc', 'metrics.train_loss', 'metrics.`system/cpu`', 'params.lr', 'params.seed', 'attributes.status']],
      ['metrics.val_auc', 'params.seed', ['attributes.status', 'metrics.train_loss', 'metrics.`system/cpu`', 'params.lr', 'metrics.val_auc', 'params.seed']],
    ]) assert.deepEqual(names(choice.move(all, known, column, before)), wanted, `${column} before ${before}`)
    assert.ok(choice.move(all, known, 'params.seed', 'metrics.val_auc').includes('metrics.*'), 'a star stays where it can')
    assert.deepEqual(choice.arrange(['a', 'b', 'c'], ['c', 'x', 'c']), { pinned: ['c'], loose: ['a', 'b'] })
  },

  'a view survives the address, with all kinds of letters'() {
    const odd = { ...view.usual,
      experiments: ['a,b', 'c:d %2C'], filter: "params.a = 'x&y=z' OR metrics.`a b` > 1", stage: 'ALL',
      order: [{ column: 'metrics.`val/loss`.min', down: false }, { column: 'attributes.start_time', down: true }],
      columns: ['metrics.*', '-metrics.`a,b`', 'tags.a:b'], pins: ['params.`x y`'], widths: { 'metrics.`a:b`': 123 },
      groups: ['params.model'], measures: ['metrics.loss.min'], nested: false, mode: 'leaderboard', best: 'min', metric: 'val/loss', layout: 'charts', split: 30, chart: 'parallel',
      curves: ['a', 'b,c'], axis: 'relative', logs: ['x', 'y'], smooth: 0.6, eyes: { first: 20, plus: ['r1'], minus: ['r2', 'r3'] },
      scatter: { x: 'params.lr', y: 'metrics.a', colour: 'metrics.b', logs: ['x'] }, parallel: { axes: ['params.lr', 'metrics.a'], logs: ['params.lr'], colour: 'metrics.a' },
      picked: { 'metrics.a': { from: -0.5, to: 1e-9 }, 'params.`m,n`': { texts: ['x:1', 'y,2', ''] } },
    }
    const query = new URLSearchParams(Object.entries(view.encode(odd)).filter(([, value]) => value !== undefined))
    assert.deepEqual(view.decode(new URLSearchParams(query.toString())), odd)
    assert.deepEqual(view.restore(JSON.parse(JSON.stringify(view.keep(odd))), odd.experiments), odd, 'a saved view too')
    assert.deepEqual(Object.values(view.encode(view.usual)).filter((value) => value !== undefined), [], 'what is as usual is not said')
  },

  'a wrong address is as usual, and never an error'() {
    const wrong = view.decode(new URLSearchParams('view=NONE&axis=weeks&smooth=7&first=-3&split=x&pick=a:r:5:1,:t,b:q&w=a:x,:9&mode=&order=,'))
    assert.equal(wrong.stage, 'ACTIVE_ONLY')
    assert.equal(wrong.axis, 'step')
    assert.equal(wrong.smooth, 0)
    assert.equal(wrong.eyes.first, 10)
    assert.deepEqual(wrong.picked, {})
    assert.deepEqual(wrong.widths, {})
    for (const kept of [null, 3, [], 'x', { cols: 7, filter: ['a'] }]) assert.deepEqual(view.restore(kept, ['e']), { ...view.usual, experiments: ['e'] })
  },
}
