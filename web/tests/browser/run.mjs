/**
 * Browser tests. They need a server whose demo has finished, at ROPEWALK_URL, and a Chromium (ROPEWALK_CHROMIUM, by
 * default /usr/bin/chromium). They add predictions, reports, and experiments, runs and traces of their own.
 * With an argument, only the tests whose names hold it run.
 */
import { run } from './harness.mjs'
import './pages.mjs'
import './operate.mjs'
import './runs.mjs'
import './table.mjs'
import './run-page.mjs'
import './compare.mjs'
import './traces.mjs'
import './everywhere.mjs'

await run()
