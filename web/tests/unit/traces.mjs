/** Spans as a tree, and what traces say. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const { spanTree, unfolded } = await load('lib/traces/tree.ts')
const words = await load('lib/traces/words.ts')

const span = (span_id, parent_id, start_ms, end_ms, more = {}) => ({ span_id, parent_id, name: span_id, span_type: null, status: 'OK', message: null, start_ms: 1_700_000_000_000 + start_ms, duration_ms: end_ms === null ? null : end_ms - start_ms, inputs: null, outputs: null, attributes: {}, events: [], ...more })

export const tests = {
  'spans stand below their parents, in the order of their beginning'() {
    const { lines, total } = spanTree([span('c', 'a', 3, 4), span('a', null, 1, 9), span('d', 'b', 2.5, 2.625), span('b', 'a', 2, 3)])
    assert.deepEqual(lines.map((line) => [line.span.name, line.depth, line.start, line.took, line.below]), [['a', 0, 0, 8, 3], ['b', 1, 1, 1, 1], ['d', 2, 1.5, 0.125, 0], ['c', 1, 2, 1, 0]])
    assert.equal(total, 8)
    assert.deepEqual(unfolded(lines, new Set(['b'])).map((line) => line.span.name), ['a', 'b', 'c'])
    assert.deepEqual(unfolded(lines, new Set(['a', 'b'])).map((line) => line.span.name), ['a'])
  },

  'no span is lost, and none goes round in a circle'() {
    const odd = spanTree([span('x', 'y', 1, 2), span('y', 'x', 1, 2), span('z', 'gone', 3, null), span('s', 's', 4, 5)])
    assert.equal(odd.lines.length, 4)
    assert.deepEqual(spanTree([]), { lines: [], total: 1 })
  },

  'a span that has not ended lasts as long as the trace'() {
    const { lines } = spanTree([span('a', null, 0, null), span('b', 'a', 0, 5)])
    assert.equal(lines[0].took, 5)
  },

  'requests and judgements are short'() {
    assert.equal(words.preview('{"question":"why?"}'), 'why?')
    assert.equal(words.preview('{"a":1,"b":2}'), '{"a":1,"b":2}')
    assert.equal(words.preview('{"cut off'), '{"cut off')
    assert.equal(words.preview(null) + words.preview('null'), '')
    assert.deepEqual(words.judged({ value: 'no', error: null }), { text: 'no', tone: 'bad' })
    assert.deepEqual(words.judged({ value: 3.5, error: null }), { text: '3.5', tone: 'plain' })
    assert.equal(words.judged({ value: null, error: 'it broke' }).tone, 'warn')
    assert.equal(words.tokensOf({ total_tokens: null, input_tokens: 3, output_tokens: 4 }), 7)
    assert.equal(words.tokensOf({ total_tokens: null, input_tokens: null, output_tokens: null }), undefined)
  },
}
