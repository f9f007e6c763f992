/** Events, Markdown, lineage, formats and references. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const { EventParser } = await load('lib/events.ts')
const { markdown } = await load('lib/markdown.ts')
const { layout } = await load('lib/layers.ts')
const format = await load('lib/format.ts')
const reference = await load('lib/reference.ts')

export const tests = {
  'events come whole, however the stream is cut'() {
    const text = ': hello\n\nid: 7\ndata: {"seq":7}\n\ndata: a\ndata: b\r\n\r\n'
    for (const size of [1, 2, 3, 5, 100]) {
      const parser = new EventParser()
      const events = []
      for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)))
      assert.deepEqual(events, ['{"seq":7}', 'a\nb'], `cut every ${size}`)
    }
  },

  'Markdown becomes plain data, and never a script'() {
    const blocks = markdown('# Incident 1\n\n| a | b |\n|---|---|\n| `x` | **y** |\n\n- one\n- two [in](/runs/1) [bad](javascript:alert(1))\n\n```\n<script>\n```\nplain *text*')
    assert.deepEqual(blocks.map(({ kind }) => kind), ['heading', 'table', 'list', 'code', 'paragraph'])
    assert.deepEqual(blocks[1].rows, [[[{ kind: 'code', text: 'x' }], [{ kind: 'strong', text: 'y' }]]])
    const links = blocks[2].items.flat().filter(({ kind }) => kind === 'link')
    assert.deepEqual(links, [{ kind: 'link', text: 'in', href: '/runs/1' }])
    assert.equal(blocks[3].text, '<script>')
  },

  'Markdown ends, whatever it is given'() {
    for (const odd of ['|', '| a', '|a|\n|b|', '#', '```', '-', '1.', '> ', '\n\n\n', '   - x\n y', '|---|', '* * *', '\u0000']) markdown(odd)
  },

  'lineage lies in layers, without detours, loops and crowds'() {
    const node = (name, distance = 0) => ({ reference: name, distance })
    const edge = (from, to) => ({ from, to, verb: 'made', seq: 1 })
    const reports = ['report:1', 'report:2', 'report:3', 'report:4', 'report:5']
    const nodes = ['dataset:d', 'prepared:p', 'run:r', 'model:m/1', 'endpoint:e', ...reports].map((name) => node(name))
    const edges = [
      edge('dataset:d', 'prepared:p'), edge('prepared:p', 'run:r'), edge('dataset:d', 'run:r'), edge('run:r', 'model:m/1'),
      edge('model:m/1', 'endpoint:e'), edge('endpoint:e', 'model:m/1'), ...reports.map((report) => edge('endpoint:e', report)),
    ]
    const drawn = layout(nodes, edges, 'run:r', new Set())
    const x = Object.fromEntries(drawn.boxes.map((box) => [box.reference, box.x]))
    assert.ok(x['dataset:d'] < x['prepared:p'] && x['prepared:p'] < x['run:r'] && x['run:r'] < x['model:m/1'])
    assert.ok(!drawn.curves.some(({ from, to }) => from === 'dataset:d' && to === 'run:r'), 'what follows is not drawn')
    const heap = drawn.boxes.find(({ heap }) => heap.length > 1)
    assert.deepEqual(heap.heap, reports)
    assert.equal(layout(nodes, edges, 'run:r', new Set(['report:1'])).boxes.length, nodes.length)
    for (const { x: left, y } of drawn.boxes) assert.ok(left >= 0 && y >= 0 && left < drawn.width && y < drawn.height)
  },

  'numbers are readable'() {
    assert.equal(format.number(0.0044, 2), '0.0044')
    assert.equal(format.number(1599), '1,599')
    assert.equal(format.number(null), '–')
    assert.equal(format.number(Number.NaN), '–')
    assert.equal(format.seconds(0), '0 s')
    assert.equal(format.seconds(0.031), '31 ms')
    assert.equal(format.seconds(198), '3 min 18 s')
    assert.equal(format.bytes(84_199), '84 kB')
    assert.equal(format.money(0.00001, 'EUR'), '< 0.0001 EUR')
    assert.equal(format.share(0.735), '74 %')
  },

  'references lead to pages'() {
    assert.equal(reference.page('model:wine-quality/2'), '/models/wine-quality/2')
    assert.equal(reference.page('dataset:wine@1f3a'), '/datasets/wine?reference=1f3a')
    assert.equal(reference.page('revision:wine/3'), '/endpoints/wine')
    assert.equal(reference.page('sweep:01'), '/lineage?of=sweep%3A01')
    assert.equal(reference.label(`dataset:wine@${'ab'.repeat(32)}`), 'wine@abababab')
  },
}
