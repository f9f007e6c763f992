/** A few lines in place of a test framework: open a browser, run each test on a fresh page, count. */
import { chromium } from 'playwright-core'

export const address = (process.env.ROPEWALK_URL ?? 'http://127.0.0.1:7878').replace(/\/$/, '')
const program = process.env.ROPEWALK_CHROMIUM ?? '/usr/bin/chromium'
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

const tests = []
/** A test: `run` gets a page, and a list of what went wrong in the browser by itself. `needs` names parts of the server. */
export function test(name, run, options = {}) {
  tests.push({ name, run, options })
}

/** What the server says, to hold the page against. */
export async function api(path, init) {
  const response = await fetch(`${address}/api/v1${path}`, init)
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return response.json()
}

/**
 * Parts of the server that some of the tests need. Where the server lacks one, its tests are left out, loudly; with
 * EVERYTHING=1 they run, and fail.
 */
const parts = {
  tracking: () => fetch(`${address}/api/v1/runs/table`, { method: 'POST', body: '{"columns":[],"limit":1}', headers: { 'content-type': 'application/json' } }),
  views: () => fetch(`${address}/api/v1/experiments/0/views`),
  traces: () => fetch(`${address}/api/v1/traces?limit=1`),
  history: () => fetch(`${address}/api/v1/models/wine-quality/history`),
}

async function lacking() {
  if (process.env.EVERYTHING) return new Set()
  const found = await Promise.all(Object.entries(parts).map(async ([part, ask]) => [part, (await ask()).status]))
  return new Set(found.filter(([, status]) => status === 404 || status === 405 || status === 501).map(([part]) => part))
}

export const items = (answer) => (Array.isArray(answer) ? answer : answer.items)

export function check(condition, message) {
  if (!condition) throw new Error(message)
}

/** The element is there and seen within some seconds. */
export async function seen(locator, seconds = 8) {
  await locator.first().waitFor({ state: 'visible', timeout: seconds * 1000 })
  return locator.first()
}

/** Try until it holds. */
export async function until(holds, message, seconds = 8) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    if (await holds()) return
    if (Date.now() > end) throw new Error(message)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export async function run() {
  const browser = await chromium.launch({ executablePath: program, args: flags })
  let [passed, failed] = [0, 0]
  const wanted = process.argv[2] ?? ''
  const without = await lacking()
  let left = 0
  for (const { name, run: body, options: { needs = [], ...options } } of tests.filter((one) => one.name.includes(wanted))) {
    const lost = [needs].flat().filter((part) => without.has(part))
    if (lost.length) {
      left += 1
      console.log(`left out  ${name}: this server has no ${lost.join(', no ')}`)
      continue
    }
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', baseURL: address, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    const began = Date.now()
    const complaints = []
    page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()) })
    page.on('pageerror', (error) => complaints.push(error.message))
    try {
      await body(page, complaints)
      // Whatever a test looks at, nothing may be refused by the security policy or thrown on the way.
      const grave = complaints.filter((text) => !/Failed to load resource/.test(text))
      check(grave.length === 0, `the browser complained: ${grave.join(' | ')}`)
      passed += 1
      console.log(`ok    ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
    } catch (error) {
      failed += 1
      console.log(`FAIL  ${name}\n      ${String(error.message ?? error).split('\n').slice(0, 6).join('\n      ')}`)
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name.replaceAll(/\W+/g, '-')}.png` }).catch(() => undefined)
    }
    await context.close()
  }
  await browser.close()
  console.log(`${passed} passed, ${failed} failed${left ? `, ${left} left out` : ''}`)
  process.exitCode = failed ? 1 : 0
}
