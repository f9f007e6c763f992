/** The page of runs: what is asked of the server, and what is done to runs. */
import { api, check, seen, test, until } from './harness.mjs'
import { experiment, run, unique } from './log.mjs'

const options = { needs: 'tracking' }
export const grid = (page) => page.getByRole('treegrid', { name: 'Runs' })
export const row = (page, name) => grid(page).getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })
export const names = async (page) => (await grid(page).getByRole('rowheader').getByRole('link').allTextContents()).filter(Boolean)
const header = (page, name) => grid(page).getByRole('columnheader', { name: new RegExp(`^${name}`) })
const rows = (query) => api('/runs/table', { method: 'POST', body: JSON.stringify({ columns: ['attributes.run_name'], offset: 0, limit: 100, ...query }), headers: { 'content-type': 'application/json' } })

/** Twelve runs of two models, of which every fourth has failed. */
export async function sweep(label = 'sweep') {
  const place = await experiment(unique(label))
  const began = Date.now() - 3_600_000
  const made = []
  for (let index = 0; index < 12; index += 1) {
    const best = 0.5 + index * 0.03
    made.push(await run(place, `trial-${String(index).padStart(2, '0')}`, {
      started: began + index * 60_000,
      status: index % 4 === 3 ? 'FAILED' : 'FINISHED',
      params: { model: index % 2 ? 'trees' : 'mlp', lr: (0.001 * (index + 1)).toFixed(3), seed: 7 },
      tags: { team: index < 6 ? 'red' : 'blue' },
      metrics: { loss: Array.from({ length: 20 }, (_, step) => 2 - best + Math.exp(-step / 4) + (step === 13 ? -0.2 : 0)), accuracy: Array.from({ length: 20 }, (_, step) => best * (1 - Math.exp(-step / 4))), final: best },
    }))
  }
  return { ...place, runs: made }
}

test('runs are listed and ordered by the server, by several columns', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await seen(grid(page))
  await until(async () => (await names(page)).length === 12, 'all twelve are there')
  await until(async () => (await names(page))[0] === 'trial-11', 'the newest stands first')
  await header(page, 'accuracy').getByRole('button').first().click()
  await until(async () => (await header(page, 'accuracy').getAttribute('aria-sort')) === 'descending', 'the column says how it is ordered')
  const wanted = await rows({ experiments: [place.name], order_by: ['metrics.accuracy DESC'] })
  await until(async () => (await names(page))[0] === wanted.columns[0].values[0], 'the best run stands first')
  await header(page, 'model').getByRole('button').first().click()
  await header(page, 'accuracy').getByRole('button').first().click({ modifiers: ['Shift'] })
  const both = await rows({ experiments: [place.name], order_by: ['params.model ASC', 'metrics.accuracy DESC'] })
  await until(async () => JSON.stringify(await names(page)) === JSON.stringify(both.columns[0].values), 'two keys order as the server says')
  check(/order=params.model/.test(page.url()), 'the address keeps the order')
  await page.reload()
  await until(async () => (await names(page))[0] === both.columns[0].values[0], 'and so does a reload')
}, options)

test('the filter is completed, knows OR, and explains what is wrong', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await until(async () => (await names(page)).length === 12, 'all twelve are there')
  const filter = page.getByRole('combobox', { name: 'Filter' })
  await filter.click()
  await filter.pressSequentially('mod')
  await seen(page.getByRole('option', { name: /^params\.model/ }))
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  check((await filter.inputValue()) === 'params.model ', 'the chosen column is written')
  await filter.pressSequentially('= ')
  await seen(page.getByRole('option', { name: /^'trees'/ }))
  await filter.fill("params.model = 'trees' AND (metrics.final > 0.8 OR metrics.loss.min < 0)")
  await page.keyboard.press('Escape')
  await page.keyboard.press('Enter')
  await until(async () => JSON.stringify(await names(page)) === JSON.stringify(['trial-11']), 'the filter holds')
  await seen(page.getByRole('status').filter({ hasText: /1 of 12 runs/ }))
  await filter.fill('metrics.final >>> 1')
  await page.keyboard.press('Enter')
  const alert = await seen(page.getByRole('alert'))
  await seen(alert.getByText('invalid', { exact: true }))
  check((await filter.getAttribute('aria-invalid')) === 'true', 'the field says that it is wrong')
  await page.getByRole('button', { name: 'Clear the filter' }).click()
  await until(async () => (await names(page)).length === 12, 'without a filter all are back')
}, options)

test('groups have figures, and open', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await page.getByRole('button', { name: 'Group by' }).click()
  await page.getByRole('dialog', { name: 'Group by' }).getByRole('button', { name: /model$/ }).click()
  const groups = await seen(page.getByRole('treegrid', { name: 'Groups of runs' }))
  await seen(groups.getByRole('rowheader', { name: /model = trees/ }))
  await groups.getByRole('button', { name: 'Open model = trees' }).click()
  await seen(groups.getByRole('link', { name: 'trial-11', exact: true }))
  await until(async () => (await groups.getByRole('rowheader').getByRole('link').allTextContents()).filter((name) => /^trial/.test(name)).length === 6, 'its six runs are there')
  await groups.getByRole('button', { name: 'Close model = trees' }).click()
  await until(async () => (await groups.getByRole('link', { name: 'trial-11', exact: true }).count()) === 0, 'and gone again')
  check(/group=params.model/.test(page.url()), 'the address keeps the grouping')
}, options)

test('nested runs stand below their parents until something else orders them', async (page) => {
  const place = await experiment(unique('nested'))
  const parent = await run(place, 'parent')
  for (const child of ['first', 'second']) await run(place, `${child}-child`, { parent: parent.id, metrics: { score: child === 'first' ? 1 : 2 } })
  const between = await run(place, 'between', { parent: parent.id })
  await run(place, 'grandchild', { parent: between.id })
  await run(place, 'orphan', { parent: '0'.repeat(32) })
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await until(async () => JSON.stringify((await names(page)).sort()) === JSON.stringify(['orphan', 'parent']), 'only the first level is shown, and nobody is lost')
  check((await row(page, 'parent').getAttribute('aria-expanded')) === 'false', 'the parent says that it is closed')
  await grid(page).focus()
  for (let press = 0; press < 3 && (await row(page, 'parent').getAttribute('aria-expanded')) === 'false'; press += 1) {
    await page.keyboard.press('ArrowRight')
    if ((await row(page, 'parent').getAttribute('aria-expanded')) === 'false') await page.keyboard.press('ArrowDown')
  }
  await seen(row(page, 'first-child'))
  check((await row(page, 'first-child').getAttribute('aria-level')) === '2', 'a child is on the second level')
  await page.getByRole('button', { name: 'Open between' }).click()
  await until(async () => (await row(page, 'grandchild').getAttribute('aria-level')) === '3', 'a grandchild on the third')
  await header(page, 'score').getByRole('button').first().click()
  await until(async () => (await names(page)).length === 6 && (await names(page))[0] === 'second-child', 'ordered by a metric, all are on one level')
}, options)

test('many runs are tagged, deleted and restored at once', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await row(page, 'trial-03').getByRole('checkbox').click()
  const bar = await seen(page.getByRole('toolbar', { name: 'What to do with the selected runs' }))
  check(await bar.getByRole('button', { name: 'Compare' }).isDisabled(), 'one run alone is not compared')
  check(/two runs/.test((await bar.getByRole('button', { name: 'Compare' }).getAttribute('title')) ?? ''), 'and the button says why')
  await row(page, 'trial-05').getByRole('checkbox').click({ modifiers: ['Shift'] })
  await seen(bar.getByText('3 runs selected'))
  await bar.getByRole('button', { name: 'Tag…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Tag 3 runs' })
  await dialog.getByLabel('Key').fill('reviewed')
  await dialog.getByLabel('Value').fill('yes')
  await dialog.getByRole('button', { name: 'Set tag' }).click()
  await until(async () => (await rows({ experiments: [place.name], filter: "tags.reviewed = 'yes'" })).total === 3, 'the server has the tag on three runs')
  await bar.getByRole('button', { name: 'Delete…' }).click()
  await page.getByRole('dialog', { name: 'Delete 3 runs' }).getByRole('button', { name: 'Delete' }).click()
  await until(async () => (await names(page)).length === 9, 'they are gone from the table')
  await page.getByRole('button', { name: 'deleted', exact: true }).click()
  await until(async () => (await names(page)).length === 3, 'and are among the deleted')
  await page.getByRole('checkbox', { name: 'Select all' }).click()
  await bar.getByRole('button', { name: 'Restore…' }).click()
  await page.getByRole('dialog', { name: 'Restore 3 runs' }).getByRole('button', { name: 'Restore' }).click()
  await page.getByRole('button', { name: 'active', exact: true }).click()
  await until(async () => (await names(page)).length === 12, 'they are back')
}, options)

test('a view is saved on the server, and opened again', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&layout=table&filter=${encodeURIComponent("tags.team = 'red'")}&order=metrics.accuracy%20ASC&cols=metrics.accuracy,params.model&pin=params.model`)
  await until(async () => (await names(page)).length === 6, 'the filter of the link holds')
  await page.getByRole('button', { name: 'Saved views' }).click()
  const box = page.getByRole('dialog', { name: /^Saved views/ })
  await box.getByLabel('Name of the view').fill('red ones, worst first')
  await box.getByRole('button', { name: 'Save', exact: true }).click()
  await until(async () => (await api(`/experiments/${place.id}/views`)).length !== 0, 'the server has it')
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await until(async () => (await names(page)).length === 12, 'elsewhere all are shown')
  await page.getByRole('button', { name: 'Saved views' }).click()
  await box.getByRole('button', { name: 'red ones, worst first', exact: true }).click()
  await until(async () => (await names(page))[0] === 'trial-00' && (await names(page)).length === 6, 'filter and order are back')
  await seen(page.getByRole('button', { name: 'Saved views: red ones, worst first' }))
}, { needs: ['tracking', 'views'] })

test('a leaderboard ranks by the best value and tells its step', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&mode=leaderboard&metric=loss&by=min`)
  const board = await seen(page.getByRole('table', { name: 'Leaderboard by loss' }))
  const { rows: ranked } = await api(`/leaderboard?metric=loss&by=min&experiments=${place.name}`)
  const first = board.getByRole('row').nth(1)
  await seen(first.getByRole('link', { name: ranked[0].name, exact: true }))
  check(ranked[0].name === 'trial-11' && ranked[0].step === 13, 'the best of a run is not its last')
  await seen(first.getByRole('cell', { name: '13', exact: true }))
  await page.getByRole('group', { name: 'Which value counts' }).getByRole('button', { name: 'highest' }).click()
  await until(() => /by=max/.test(page.url()), 'the address keeps which value counts')
}, options)

test('new and changed runs appear without a reload, and the place is kept', async (page) => {
  const place = await experiment(unique('live'))
  await run(place, 'only', { metrics: { a: [1, 2] } })
  await page.goto(`/runs?experiment=${place.name}&layout=table`)
  await until(async () => (await names(page)).length === 1, 'one is there')
  await run(place, 'newcomer', { status: 'RUNNING', started: Date.now(), metrics: { a: [5] } })
  await until(async () => (await names(page))[0] === 'newcomer', 'the new one comes by itself', 15)
  await seen(row(page, 'newcomer').getByText('running', { exact: true }))
}, options)

test('what is drawn on an axis filters the table', async (page) => {
  const place = await sweep()
  await page.goto(`/runs?experiment=${place.name}&chart=parallel&axes=params.model,metrics.final`)
  await until(async () => (await names(page)).length === 12, 'all twelve are there')
  const plot = await seen(page.getByRole('figure', { name: /^Parallel coordinates of 12 runs over model, final/ }))
  const head = await page.getByRole('button', { name: 'Axis final' }).boundingBox()
  const frame = await plot.boundingBox()
  const x = head.x + head.width / 2
  await page.mouse.move(x, frame.y + 60)
  await page.mouse.down()
  await page.mouse.move(x, frame.y + frame.height * 0.4, { steps: 4 })
  await page.mouse.up()
  await until(async () => (await names(page)).length < 12 && (await names(page)).length > 0, 'fewer are left')
  check(/pick=metrics.final/.test(page.url()), 'the address keeps what is picked')
  const left = await names(page)
  const picked = /pick=metrics\.final%3Ar%3A([\d.]+)%3A([\d.]+)/.exec(page.url())
  const wanted = await rows({ experiments: [place.name], filter: `metrics.final BETWEEN ${picked[1]} AND ${picked[2]}` })
  check(JSON.stringify(left) === JSON.stringify(wanted.columns[0].values), 'just those that the server finds')
  await page.getByRole('button', { name: 'Write into the filter' }).click()
  await until(async () => /BETWEEN/.test(await page.getByRole('combobox', { name: 'Filter' }).inputValue()), 'the filter can be edited')
  check((await names(page)).length === left.length, 'and holds as before')
}, options)

test('an experiment is created, renamed, deleted and restored', async (page) => {
  const [name, other] = [unique('new'), unique('renamed')]
  await page.goto('/experiments')
  await page.getByRole('button', { name: 'Create…' }).click()
  const create = page.getByRole('dialog', { name: 'Create an experiment' })
  check(await create.getByRole('button', { name: 'Create' }).isDisabled(), 'a name is needed')
  await create.getByLabel('Name').fill(name)
  await create.getByRole('button', { name: 'Create' }).click()
  const table = page.getByRole('table', { name: 'Experiments' })
  await seen(table.getByRole('link', { name, exact: true }))
  await page.getByRole('button', { name: `Rename ${name}` }).click()
  const rename = page.getByRole('dialog', { name: `Rename ${name}` })
  await rename.getByLabel('Name').fill(other)
  await rename.getByRole('button', { name: 'Rename' }).click()
  await seen(table.getByRole('link', { name: other, exact: true }))
  await page.getByRole('button', { name: `Delete ${other}` }).click()
  await page.getByRole('dialog', { name: `Delete ${other}` }).getByRole('button', { name: 'Delete' }).click()
  await until(async () => (await table.getByRole('link', { name: other, exact: true }).count()) === 0, 'it is out of sight')
  await page.getByRole('button', { name: 'deleted', exact: true }).click()
  await page.getByRole('button', { name: `Restore ${other}` }).click()
  await page.getByRole('dialog', { name: `Restore ${other}` }).getByRole('button', { name: 'Restore' }).click()
  await page.getByRole('button', { name: 'active', exact: true }).click()
  await table.getByRole('link', { name: other, exact: true }).click()
  await seen(page.getByText('No run in this experiment yet'))
}, options)
