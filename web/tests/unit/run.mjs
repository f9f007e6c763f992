/** Tests of what needs no browser. With an argument, only the tests whose names hold it run. */
import { close } from './load.mjs'
import * as artifacts from './artifacts.mjs'
import * as charts from './charts.mjs'
import * as filters from './filters.mjs'
import * as rows from './rows.mjs'
import * as traces from './traces.mjs'
import * as mlflowLinks from './mlflow-links.mjs'
import * as views from './views.mjs'
import * as words from './words.mjs'

const wanted = process.argv[2] ?? ''
const tests = [words, mlflowLinks, views, filters, rows, charts, artifacts, traces].flatMap((file) => Object.entries(file.tests)).filter(([name]) => name.includes(wanted))
let failed = 0
for (const [name, run] of tests) {
  try {
    await run()
    console.log(`ok    ${name}`)
  } catch (error) {
    failed += 1
    console.log(`FAIL  ${name}\n      ${error.message}`)
  }
}
console.log(`${tests.length - failed} passed, ${failed} failed`)
await close()
process.exit(failed ? 1 : 0)
