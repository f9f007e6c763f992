/**
 * How fast the app is with much to show: against the stand-in (`npm run mock`), whose experiment `scale` has 10,000 runs
 * with 1,000 columns, and `long` 101 runs, one of which has 100,000 measurements. Prints figures; judges nothing.
 *
 *     ROPEWALK_URL=http://127.0.0.1:4000 npm run measure
 */
import { chromium } from 'playwright-core'
import { address } from './harness.mjs'

const program = process.env.ROPEWALK_CHROMIUM ?? '/usr/bin/chromium'
const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'] })
const all = 'cols=attributes.status,metrics.*,params.*,tags.*&layout=table'
const figure = (value) => `${value.toFixed(value < 10 ? 1 : 0)}`
const quantile = (list, share) => [...list].sort((a, b) => a - b)[Math.floor(share * (list.length - 1))] ?? NaN

async function opened(path, wait = 2500) {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', baseURL: address })).newPage()
  // When the browser has shown what the app has marked as drawn: the frame after the next.
  await page.addInitScript(() => {
    window.painted = []
    new PerformanceObserver((list) => {
      for (const { name } of list.getEntries()) if (name.startsWith('painted')) requestAnimationFrame(() => requestAnimationFrame(() => window.painted.push({ name, at: performance.now() })))
    }).observe({ type: 'mark' })
  })
  await page.goto(path)
  await page.waitForTimeout(wait)
  return page
}

/** Turns the wheel for some seconds, and looks at every frame on the way. */
async function scrolled(page, name, dx, dy, seconds = 4) {
  await page.mouse.move(700, 500)
  await page.evaluate(() => {
    const watch = (window.watch = { frames: [], long: [], empty: 0, rows: 0, on: true })
    new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) watch.long.push(duration) }).observe({ type: 'longtask' })
    let last = performance.now()
    const look = (now) => {
      if (!watch.on) return
      watch.frames.push(now - last)
      last = now
      for (const link of document.querySelectorAll('[role=treegrid] [role=rowheader] a')) { watch.rows += 1; if (!link.textContent) watch.empty += 1 }
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
  const end = Date.now() + seconds * 1000
  while (Date.now() < end) {
    await page.mouse.wheel(dx, dy)
    await page.waitForTimeout(16)
  }
  const { frames, long, empty, rows } = await page.evaluate(() => { window.watch.on = false; return window.watch })
  const grid = page.getByRole('treegrid')
  const place = await grid.evaluate((element) => [element.scrollLeft, element.scrollTop])
  frames.shift()
  console.log(`${name.padEnd(26)} ${frames.length} frames: median ${figure(quantile(frames, 0.5))} ms, 95 % ${figure(quantile(frames, 0.95))} ms, 99 % ${figure(quantile(frames, 0.99))} ms; ${frames.filter((time) => time > 50).length} over 50 ms, ${long.length} long tasks, rows still empty ${figure((empty / Math.max(1, rows)) * 100)} %, at ${place.map(Math.round)}`)
}

/** From the last byte of the answer to what is on the screen. */
async function painted(path, name, from) {
  const page = await opened(path, 4000)
  const times = await page.evaluate((wanted) => {
    const answers = performance.getEntriesByType('resource').filter(({ name }) => name.includes(wanted))
    const last = Math.max(...answers.map(({ responseEnd }) => responseEnd))
    const bytes = answers.reduce((sum, { transferSize }) => sum + transferSize, 0)
    const after = window.painted.filter(({ at }) => at > last).map(({ at }) => at - last)
    return { times: after, bytes, questions: answers.length }
  }, from)
  console.log(`${name.padEnd(44)} first ${figure(Math.min(...times.times))} ms, all ${figure(Math.max(...times.times))} ms after the answer (${times.questions} questions, ${(times.bytes / 1000).toFixed(0)} kB)`)
  await page.context().close()
}

const page = await opened(`/runs?experiment=scale&${all}`, 4000)
const shown = await page.evaluate(() => ({ cells: document.querySelectorAll('[role=gridcell]').length, elements: document.querySelectorAll('*').length }))
console.log(`table of 10,000 × 1,000: ${shown.cells} cells, ${shown.elements} elements on the page`)
await scrolled(page, 'down, gently', 0, 60)
await scrolled(page, 'down, fast', 0, 900)
await scrolled(page, 'right', 120, 0)
await scrolled(page, 'right, fast', 1200, 0)
await page.context().close()
await painted('/runs?experiment=long&first=100&curves=val/loss&layout=charts', '101 runs, 100,000 points drawn', '/runs/chart')
await painted('/runs?experiment=long&first=1&order=attributes.start_time%20ASC&curves=val/loss&layout=charts', 'one run of 100,000 measurements, bucketed', '/runs/chart')
await painted('/runs?experiment=scale&layout=charts&chart=scatter', 'scatter of 10,000 runs', '/runs/table')
await painted('/runs?experiment=scale&layout=charts&chart=parallel', 'parallel coordinates of 10,000 runs', '/runs/table')
await browser.close()
