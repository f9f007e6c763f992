/** The table of runs as a thing on the screen: its columns, its keys, its curves. */
import { check, seen, test, until } from './harness.mjs'
import { grid, names, row, sweep } from './runs.mjs'
import { experiment, run, unique } from './log.mjs'

const options = { needs: 'tracking' }
const heads = (page) => grid(page).getByRole('columnheader')
const titles = async (page) => (await heads(page).allTextContents()).map((text) => text.trim())

/** What the menu of a column offers. */
async function menu(page, column, action) {
  await heads(page).filter({ hasText: column }).first().hover()
  await page.getByRole('button', { name: `Column ${column}`, exact: true }).click()
  await page.getByRole('menu', { name: `Column ${column}` }).getByRole('menuitem', { name: action, exact: true }).click()
}

test('columns are picked, pinned, moved, widened and hidden, and the address keeps it', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table&cols=attributes.status,metrics.accuracy,metrics.loss,params.model`)
  await until(async () => (await titles(page)).join() === 'run,status,accuracy,loss,model', 'the columns of the link')
  await menu(page, 'model', 'Pin')
  await until(async () => (await titles(page)).join() === 'run,model,status,accuracy,loss', 'a pinned column stands beside the name')
  await menu(page, 'status', 'Move right')
  await until(async () => (await titles(page)).join() === 'run,model,accuracy,status,loss', 'moved')
  await menu(page, 'status', 'Hide')
  await until(async () => (await titles(page)).join() === 'run,model,accuracy,loss', 'hidden')
  const before = (await heads(page).filter({ hasText: 'loss' }).boundingBox()).width
  await menu(page, 'loss', 'Wider')
  await until(async () => (await heads(page).filter({ hasText: 'loss' }).boundingBox()).width > before + 30, 'wider')
  await menu(page, 'loss', 'Show least and most')
  await until(async () => (await titles(page)).join() === 'run,model,accuracy,loss,loss min,loss max', 'least and most')
  await page.getByRole('button', { name: 'Columns' }).click()
  const box = page.getByRole('dialog', { name: 'Columns' })
  await box.getByLabel('Find a column').fill('team')
  await box.getByRole('checkbox', { name: 'team' }).check()
  await page.keyboard.press('Escape')
  await until(async () => (await titles(page)).at(-1) === 'team', 'picked')
  const wanted = (await titles(page)).join()
  await page.reload()
  await until(async () => (await titles(page)).join() === wanted, 'a reload shows the same')
}, options)

test('a column is dragged to another place, and its edge to another width', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table&cols=metrics.accuracy,metrics.loss,params.model`)
  await until(async () => (await titles(page)).join() === 'run,accuracy,loss,model', 'the columns of the link')
  const [from, to] = [await heads(page).filter({ hasText: 'model' }).boundingBox(), await heads(page).filter({ hasText: 'accuracy' }).boundingBox()]
  await page.mouse.move(from.x + 40, from.y + 12)
  await page.mouse.down()
  await page.mouse.move(from.x - 40, from.y + 12, { steps: 3 })
  await page.mouse.move(to.x + 10, to.y + 12, { steps: 3 })
  await page.mouse.up()
  await until(async () => (await titles(page)).join() === 'run,model,accuracy,loss', 'dragged before the others')
  check(!/order=/.test(page.url()), 'dragging orders nothing')
  const loss = await heads(page).filter({ hasText: 'loss' }).boundingBox()
  await page.mouse.move(loss.x + loss.width, loss.y + 12)
  await page.mouse.down()
  await page.mouse.move(loss.x + loss.width + 70, loss.y + 12, { steps: 3 })
  await page.mouse.up()
  await until(async () => Math.abs((await heads(page).filter({ hasText: 'loss' }).boundingBox()).width - loss.width - 70) < 4, 'as wide as it was drawn')
  check(/w=metrics.loss/.test(page.url()), 'the address keeps the width')
}, options)

test('the keyboard goes through the rows, selects, and opens', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await until(async () => (await names(page)).length === 12, 'all twelve are there')
  await grid(page).focus()
  for (const key of ['ArrowDown', 'ArrowDown', ' ', 'ArrowDown', ' ']) await page.keyboard.press(key)
  await seen(page.getByText('2 runs selected'))
  check((await row(page, 'trial-09').getAttribute('aria-selected')) === 'true', 'the third row is selected')
  await page.keyboard.press('End')
  await page.keyboard.press('v')
  await until(async () => (await row(page, 'trial-00').getByRole('button', { name: 'Show trial-00 in charts' }).getAttribute('aria-pressed')) === 'true', 'the eye of the last row is open')
  await page.keyboard.press('Enter')
  await seen(page.getByRole('heading', { name: 'trial-00', level: 1 }))
}, options)

test('the eye decides which runs have a curve', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&curves=loss&first=5`)
  await seen(page.getByRole('group', { name: /^loss by step, 5 runs/ }), 12)
  await row(page, 'trial-11').getByRole('button', { name: 'Show trial-11 in charts' }).click()
  await row(page, 'trial-02').getByRole('button', { name: 'Show trial-02 in charts' }).click()
  await row(page, 'trial-01').getByRole('button', { name: 'Show trial-01 in charts' }).click()
  await seen(page.getByRole('group', { name: /^loss by step, 7 runs/ }))
  check(/minus=/.test(page.url()) && /plus=/.test(page.url()), 'the address keeps the eyes')
  const chart = page.getByRole('group', { name: /^loss by step/ })
  await chart.focus()
  for (let press = 0; press < 5; press += 1) await page.keyboard.press('ArrowRight')
  await seen(page.getByRole('figure', { name: 'loss by step' }).getByText(/^step \d+$/))
  await page.keyboard.press('+')
  await seen(page.getByRole('button', { name: 'All', exact: true }))
  await page.getByRole('button', { name: 'relative' }).click()
  await seen(page.getByRole('group', { name: /^loss by time since the start/ }))
  await page.getByRole('button', { name: 'log y' }).click()
  await until(() => /log=y/.test(page.url()) && /axis=relative/.test(page.url()), 'the address keeps axis and logarithm')
}, options)

test('small curves stand in the rows', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table&cols=curve:loss`)
  await seen(page.getByRole('img', { name: 'loss of trial-11' }))
  await seen(page.getByRole('img', { name: 'loss of trial-00' }))
}, options)

test('hundreds of runs are scrolled through, and only some are on the page', async (page) => {
  const place = await experiment(unique('many'))
  const many = 260
  for (let from = 0; from < many; from += 20) await Promise.all(Array.from({ length: 20 }, (_, index) => run(place, `run-${String(from + index).padStart(3, '0')}`, { started: Date.now() - (many - from - index) * 60_000, metrics: { score: from + index } })))
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await until(async () => (await names(page))[0] === 'run-259', 'the newest stands first')
  check((await grid(page).getAttribute('aria-rowcount')) === String(many + 1), 'the table says how many rows it has')
  check((await names(page)).length < 60, 'few of them are on the page')
  await grid(page).focus()
  await page.keyboard.press('End')
  await until(async () => (await names(page)).includes('run-000'), 'the last row comes')
  await page.keyboard.press('Home')
  await until(async () => (await names(page)).includes('run-259'), 'and the first again')
}, options)
