/** Kinds of artifacts, pictures by step, tables, and where a run comes from. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const kinds = await load('lib/artifacts/kinds.ts')
const tables = await load('lib/artifacts/tables.ts')
const run = await load('lib/run.ts')

export const tests = {
  'a file is shown by its kind'() {
    const cases = { 'a/b.PNG': 'image', 'x.wav': 'audio', 'table.json': 'json', 'a.csv': 'csv', 'README.md': 'markdown', 'model/MLmodel': 'text', 'requirements.txt': 'text', 'model.pkl': 'other', png: 'other' }
    for (const [path, kind] of Object.entries(cases)) assert.equal(kinds.kindOf(path), kind, path)
    assert.equal(kinds.mediaType('a.svg'), 'image/svg+xml')
    assert.equal(kinds.mediaType('a'), 'application/octet-stream')
  },

  'pictures are put together by key and step, with their small twins'() {
    const id = '0e7f2c1a-1111-2222-3333-444455556666'
    const series = kinds.imageSeries([
      `images/dogs~front+step+10+timestamp+1700000000000+${id}.png`,
      `images/dogs~front+step+10+timestamp+1700000000000+${id}+compressed.webp`,
      'images/dogs~front+step+2+timestamp+1690000000000+aa.png',
      'images/old#key%step%5%timestamp%1690000000000%bb.png',
      'images/old#key%step%5%timestamp%1690000000000%bb%compressed.webp',
      'images/plain.png',
    ])
    assert.deepEqual(series.map(({ key }) => key), ['dogs/front', 'old/key'])
    assert.deepEqual(series[0].images.map(({ step, small }) => [step, small !== undefined]), [[2, false], [10, true]])
    assert.match(series[1].images[0].path, /\.png$/)
    assert.match(series[1].images[0].small, /\.webp$/)
  },

  'tables are read from JSON and from text with commas'() {
    assert.deepEqual(tables.jsonTable('{"columns":["a","b"],"data":[[1,"x"],[2,null]]}'), { columns: ['a', 'b'], rows: [[1, 'x'], [2, null]] })
    assert.deepEqual(tables.jsonTable('[{"a":1},{"b":2}]'), { columns: ['a', 'b'], rows: [[1, undefined], [undefined, 2]] })
    for (const other of ['{', '3', '{"columns":[]}', '{"columns":["a"],"data":[1]}', '[]', '[1]']) assert.equal(tables.jsonTable(other), undefined, other)
    assert.deepEqual(tables.csvTable('a,b\n"x, ""y""",2\r\n\n3,"4\n5"\n'), { columns: ['a', 'b'], rows: [['x, "y"', '2'], ['3', '4\n5']] })
    assert.deepEqual(tables.csvTable('a;b\n1;2').columns, ['a', 'b'])
    assert.deepEqual(tables.csvTable(''), { columns: [], rows: [] })
    assert.deepEqual(tables.sorted([['10'], ['9'], [null], ['x']], 0, false).map(([value]) => value), ['9', '10', 'x', null])
    assert.deepEqual(tables.sorted([[1], [''], [3]], 0, true).map(([value]) => value), [3, 1, ''])
    assert.equal(tables.cellImage({ type: 'image', filepath: 'a.png', compressed_filepath: 'a.webp' }), 'a.webp')
    assert.equal(tables.cellImage('a.png'), undefined)
  },

  'a run says how to run it again'() {
    const made = (tags, more = {}) => ({ run_id: 'r1', tags, params: {}, ...more })
    assert.equal(run.reproduction(made({}, { prepared: 'p' })).command, 'ropewalk run reproduce r1')
    assert.equal(run.reproduction(made({ 'mlflow.source.name': "it's.py", 'mlflow.source.git.commit': 'a'.repeat(40) })).command, `git checkout ${'a'.repeat(12)} && python 'it'\\''s.py'`)
    assert.equal(run.reproduction(made({})).command, 'ropewalk run show r1')
    assert.equal(run.browsable('git@github.com:o/n.git'), 'https://github.com/o/n')
    assert.equal(run.browsable('https://token@github.com/o/n.git'), 'https://github.com/o/n')
    assert.equal(run.browsable('/home/me/n'), undefined)
    assert.deepEqual(run.sourceLink('{"url":"https://x/y"}'), { text: 'https://x/y', href: 'https://x/y' })
    assert.deepEqual(run.sourceLink('javascript:alert(1)'), { text: 'javascript:alert(1)', href: undefined })
  },
}
