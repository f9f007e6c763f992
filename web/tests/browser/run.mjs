/**
 * Browser tests. They need a server whose demo has finished, at ROPEWALK_URL, and a Chromium (ROPEWALK_CHROMIUM, by
 * default /usr/bin/chromium). They change nothing but add predictions and reports.
 * With an argument, only the tests whose names hold it run.
 */
import { run } from './harness.mjs'
import './pages.mjs'
import './operate.mjs'
import './everywhere.mjs'

await run()
