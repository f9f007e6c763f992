/** Windows into large tables, the rows that are fetched for them, and the colours of runs. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const { Tracks, reveal, rowSpan, whole } = await load('lib/runs/windows.ts')
const { occupant } = await load('components/runs/grid.ts')
const colours = await load('lib/runs/colours.ts')
const { RunRows, blockRows } = await load('lib/runs/rows.svelte.ts')

const wait = (time = 60) => new Promise((resolve) => setTimeout(resolve, time))

/** A server of so many runs that counts what it is asked. */
function served(count) {
  const state = { count, asked: [], late: 0 }
  state.ask = async (query, signal) => {
    state.asked.push(query)
    if (state.late) await wait(state.late)
    if (signal?.aborted) throw new DOMException('gone', 'AbortError')
    const ids = Array.from({ length: Math.max(0, Math.min(query.limit, state.count - query.offset)) }, (_, row) => `run-${state.count - 1 - query.offset - row}`)
    return { total: state.count, run_ids: ids, columns: query.columns.map((column) => ({ column, values: ids.map((id) => `${column} of ${id}`) })) }
  }
  return state
}

export const tests = {
  'the rows that are seen follow from where one has scrolled'() {
    assert.deepEqual(rowSpan(0, 300, 30, 10_000, 5), { first: 0, end: 15 })
    assert.deepEqual(rowSpan(3000, 300, 30, 10_000, 5), { first: 95, end: 115 })
    assert.deepEqual(rowSpan(1e9, 300, 30, 50, 5), { first: 49, end: 50 })
    assert.deepEqual(rowSpan(0, 300, 30, 0, 5), { first: 0, end: 0 })
    assert.equal(reveal(300, 300, 30, 5), 150)
    assert.equal(reveal(300, 300, 30, 25), 480)
    assert.equal(reveal(300, 300, 30, 12), 300)
  },

  'columns of many widths are found by place'() {
    const tracks = new Tracks([100, 50, 200, 10])
    assert.equal(tracks.total, 360)
    for (const [x, column] of [[-5, 0], [0, 0], [99, 0], [100, 1], [149, 1], [150, 2], [359, 3], [9999, 3]]) assert.equal(tracks.at(x), column, `at ${x}`)
    assert.deepEqual(tracks.span(120, 40, 0), { first: 1, end: 3 })
    assert.deepEqual(tracks.span(0, 1000, 2), { first: 0, end: 4 })
    assert.equal(tracks.gap(10), 0)
    assert.equal(tracks.gap(90), 1)
    assert.equal(tracks.gap(356), 4)
    assert.deepEqual(new Tracks([]).span(0, 100, 2), { first: 0, end: 0 })
    assert.deepEqual(whole({ first: 17, end: 33 }, 16, 40), { first: 16, end: 40 })
  },

  'every row of a window has one place, and keeps it while it is seen'() {
    const slots = 7
    for (let first = 0; first < 40; first += 1) {
      const end = first + slots
      const rows = Array.from({ length: slots }, (_, slot) => occupant(slot, slots, first, end))
      assert.deepEqual([...rows].sort((a, b) => a - b), Array.from({ length: slots }, (_, row) => first + row))
      for (const row of rows) assert.equal(occupant(row % slots, slots, first, end), row)
    }
    assert.deepEqual([0, 1, 2, 3].map((slot) => occupant(slot, 4, 5, 7)), [-1, 5, 6, -1])
  },

  async 'rows are fetched where somebody looks, and once'() {
    const server = served(10_000)
    const rows = new RunRows(server.ask)
    rows.query({ experiments: ['a'], order_by: [] })
    rows.need({ first: 0, end: 30 }, ['a', 'b'])
    await wait()
    assert.equal(rows.total, 10_000)
    assert.equal(rows.value(3, 'b'), 'b of run-9996')
    const before = server.asked.length
    rows.need({ first: 10, end: 40 }, ['a', 'b'])
    await wait()
    assert.equal(server.asked.length, before, 'nothing is asked twice')
    rows.need({ first: 10, end: 40 }, ['a', 'b', 'c'])
    await wait()
    assert.deepEqual(server.asked.at(-1).columns, ['c'], 'only what is missing')
    assert.equal(rows.value(12, 'a'), 'a of run-9987', 'and what was there stays')
    rows.need({ first: 5020, end: 5050 }, ['a'])
    await wait()
    assert.equal(server.asked.at(-1).offset, 5000)
    assert.equal(rows.id(5030), 'run-4969')
    assert.ok(server.asked.every(({ limit }) => limit === blockRows))
    rows.stop()
  },

  async 'who scrolls past rows does not wait for them'() {
    const server = served(100_000)
    const rows = new RunRows(server.ask)
    rows.query({ experiments: [], order_by: [] })
    rows.need({ first: 0, end: 30 }, ['a'])
    await wait()
    server.late = 200
    for (let first = 0; first < 90_000; first += 500) rows.need({ first, end: first + 30 }, ['a'])
    await wait()
    assert.ok(server.asked.length < 8, `${server.asked.length} questions for 180 places`)
    await wait(300)
    assert.equal(rows.id(89_510), 'run-10489', 'the last place is there')
    rows.stop()
  },

  async 'new runs above move the anchor down'() {
    const server = served(1000)
    const rows = new RunRows(server.ask)
    rows.query({ experiments: [], order_by: [] })
    rows.need({ first: 200, end: 230 }, ['a'])
    await wait()
    rows.need({ first: 200, end: 230 }, ['a'])
    await wait()
    assert.equal(rows.id(205), 'run-794')
    server.count += 7
    assert.equal(await rows.refresh(205), 7)
    assert.equal(rows.id(212), 'run-794')
    assert.equal(await rows.refresh(212), 0)
    rows.stop()
  },

  async 'a look that moves on during a refresh is answered'() {
    const server = served(2000)
    const rows = new RunRows(server.ask)
    rows.query({ experiments: [], order_by: [] })
    rows.need({ first: 0, end: 30 }, ['a'])
    await wait()
    server.late = 80
    const fresh = rows.refresh(0)
    rows.need({ first: 1500, end: 1530 }, ['a'])
    await fresh
    await wait(300)
    assert.equal(rows.value(1510, 'a'), 'a of run-489')
    rows.stop()
  },

  async 'a refused question says why, and the next one is asked anew'() {
    let refuse = true
    const server = served(5)
    const rows = new RunRows(async (...given) => { if (refuse) throw new Error('no'); return server.ask(...given) })
    rows.query({ experiments: [], filter: 'x', order_by: [] })
    rows.need({ first: 0, end: 30 }, ['a'])
    await wait()
    assert.equal(rows.problem.what, 'no')
    refuse = false
    rows.retry()
    await wait()
    assert.equal(rows.total, 5, 'the same question can be asked again')
    refuse = true
    rows.query({ experiments: [], filter: 'z', order_by: [] })
    await wait()
    refuse = false
    rows.query({ experiments: [], filter: 'y', order_by: [] })
    rows.need({ first: 0, end: 30 }, ['a'])
    await wait()
    assert.equal(rows.problem, undefined)
    assert.equal(rows.total, 5)
    rows.stop()
  },

  'a run keeps its colour, and runs together look different'() {
    const ids = Array.from({ length: 2000 }, (_, index) => `0192${index.toString(16).padStart(28, '0')}`)
    assert.equal(colours.ownSlot(ids[0]), colours.ownSlot(ids[0]))
    const counts = new Array(colours.slots).fill(0)
    for (const id of ids) counts[colours.ownSlot(id)] += 1
    assert.ok(Math.min(...counts) > 20 && Math.max(...counts) < 100, `spread ${Math.min(...counts)} to ${Math.max(...counts)}`)
    const some = ids.slice(0, 12)
    const found = colours.assign(some, new Map())
    assert.equal(new Set([...found.values()].map((slot) => colours.colourOf(slot).hue)).size, 12, 'twelve hues for twelve runs')
    assert.deepEqual(colours.assign([...some].reverse(), new Map()), new Map([...found].sort()), 'in whichever order')
    const more = colours.assign(ids.slice(0, 36), found)
    for (const id of some) assert.equal(more.get(id), found.get(id), 'nobody is repainted')
    assert.equal(new Set(more.values()).size, 36)
    assert.equal(colours.assign(ids.slice(0, 200), new Map()).size, 200, 'more runs than colours')
  },
}
