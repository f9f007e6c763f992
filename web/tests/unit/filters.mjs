/** The filter language as it is typed, and what picking on axes makes of it. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const filter = await load('lib/runs/filter.ts')
const picked = await load('lib/runs/picked.ts')

const known = [
  { column: 'metrics.loss', runs: 5, kind: 'number', distinct: null, least: 0.1, most: 2 },
  { column: 'metrics.`val/auc`', runs: 4, kind: 'number', distinct: null, least: 0.5, most: 0.9 },
  { column: 'params.model', runs: 5, kind: 'text', distinct: 2, least: null, most: null },
  { column: 'tags.team', runs: 2, kind: 'text', distinct: 2, least: null, most: null },
]
/** What is offered where the | stands. */
const offers = (text) => {
  const caret = text.indexOf('|')
  const found = filter.complete(text.replace('|', ''), caret, known)
  return { ...found, texts: found.options.map((option) => option.text.trim()) }
}

export const tests = {
  'columns are completed by any part of their name'() {
    assert.equal(offers('|').texts[0], 'metrics.loss')
    assert.equal(offers('lo|').texts[0], 'metrics.loss')
    assert.equal(offers('auc|').texts[0], 'metrics.`val/auc`')
    assert.equal(offers('metrics.lo|').texts[0], 'metrics.loss')
    assert.equal(offers('metrics.`val|').texts[0], 'metrics.`val/auc`')
    assert.equal(offers("params.model = 'a' AND te|").texts[0], 'tags.team')
    assert.deepEqual(offers('NOT (lo|').texts[0], 'metrics.loss')
    const { from, to } = offers("params.model = 'a' AND tea|m")
    assert.deepEqual([from, to], [23, 27], 'the whole word is taken over')
  },

  'after a column come operators, after a value AND and OR'() {
    assert.ok(offers('metrics.loss |').texts.includes('BETWEEN'))
    assert.ok(offers('metrics.loss |').texts.includes('<'))
    assert.ok(!offers('params.model |').texts.includes('<'), 'parameters are texts')
    assert.ok(offers('params.model |').texts.includes('LIKE'))
    assert.deepEqual(offers('metrics.loss < 1 |').texts, ['AND', 'OR'])
    assert.deepEqual(offers('metrics.loss < 1 a|').texts, ['AND'])
    assert.deepEqual(offers('(metrics.loss < 1) |').texts, ['AND', 'OR'])
    assert.deepEqual(offers('metrics.loss IS NULL |').texts, ['AND', 'OR'])
    assert.equal(offers('metrics.loss < 1 OR |').texts[0], 'metrics.loss')
  },

  'AND within BETWEEN joins its two values'() {
    assert.deepEqual(offers('metrics.loss BETWEEN 1 |').texts, ['AND'])
    assert.equal(offers('metrics.loss BETWEEN 1 AND |').valuesOf, 'metrics.loss')
    assert.deepEqual(offers('metrics.loss BETWEEN 1 AND 2 |').texts, ['AND', 'OR'])
    assert.equal(offers('metrics.loss BETWEEN 1 AND 2 AND |').texts[0], 'metrics.loss')
  },

  'values are offered where they are known'() {
    assert.deepEqual(offers('metrics.loss > |').texts, ['0.1', '2'])
    assert.ok(offers('attributes.status = |').texts.includes("'FAILED'"))
    assert.deepEqual(offers("attributes.status = 'RU|").texts, ["'RUNNING'"])
    assert.equal(offers('params.model = |').valuesOf, 'params.model')
    assert.equal(offers("params.model IN ('a', |").valuesOf, 'params.model')
  },

  'completion ends, whatever is typed'() {
    for (const odd of ['', '(((', ')))', "'", '`', 'metrics.', 'metrics.`', 'AND AND', 'BETWEEN AND', '>>> 1', '\u0000', 'NOT NOT NOT', "params.a = 'x", '= = =', 'IS IS NULL', ',,,']) {
      for (let caret = 0; caret <= odd.length; caret += 1) {
        const { from, to, options } = filter.complete(odd, caret, known)
        assert.ok(from >= 0 && from <= to && to <= odd.length && options.length <= 50, odd)
      }
    }
  },

  'an error points at its letter'() {
    assert.equal(filter.errorPlace('at character 13: >> 1'), 12)
    assert.equal(filter.errorPlace('at character 1: x'), 0)
    assert.equal(filter.errorPlace('nothing is known'), undefined)
    assert.equal(filter.errorPlace(undefined), undefined)
  },

  'what is picked becomes a filter'() {
    assert.equal(picked.filterWith('', { 'metrics.a': { from: 0.1, to: 2 } }), 'metrics.a BETWEEN 0.1 AND 2')
    assert.equal(
      picked.filterWith('metrics.b > 1 OR metrics.b < 0', { 'params.m': { texts: ["it's", 'b'] } }),
      `(metrics.b > 1 OR metrics.b < 0) AND (params.m = "it's" OR params.m = 'b')`,
    )
    assert.equal(picked.condition('attributes.status', { texts: ['FAILED', 'KILLED'] }), "attributes.status IN ('FAILED', 'KILLED')")
    assert.equal(picked.filterWith('a', {}), 'a')
    assert.equal(filter.both('', undefined, ' '), '')
  },
}
