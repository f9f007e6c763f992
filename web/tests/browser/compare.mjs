/** Runs side by side. */
import { check, seen, test, until } from './harness.mjs'
import { sweep } from './runs.mjs'

const options = { needs: 'tracking' }

test('runs are compared: what differs, the best, and curves with one crosshair', async (page) => {
  const { runs } = await sweep()
  const some = runs.slice(0, 4)
  await page.goto(`/compare?runs=${some.map(({ id }) => id).join(',')}`)
  for (const { name } of some) await seen(page.getByRole('group', { name: 'Compared runs' }).getByRole('link', { name }))
  const table = await seen(page.getByRole('table', { name: 'Comparison of runs' }))
  const line = (key) => table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: key, exact: true }) })
  await until(async () => (await line('model').getByRole('cell').allTextContents()).join() === 'mlp,trees,mlp,trees', 'a parameter that differs')
  check((await line('seed').count()) === 0, 'what is the same is not shown')
  await page.getByRole('button', { name: 'Differences only' }).click()
  await seen(line('seed'))
  await page.getByRole('group', { name: 'Value of metrics' }).getByRole('button', { name: 'min' }).click()
  await until(() => /value=least/.test(page.url()) && /all=1/.test(page.url()), 'the address keeps both')
  const [first, second] = [page.getByRole('figure', { name: 'accuracy by step' }), page.getByRole('figure', { name: 'loss by step' })]
  await first.getByRole('group').focus()
  for (let press = 0; press < 8; press += 1) await page.keyboard.press('ArrowRight')
  await seen(first.getByText(/^step \d+$/))
  check((await first.getByText(/^step \d+$/).textContent()) === (await second.getByText(/^step \d+$/).textContent()), 'all charts have the crosshair at one step')
}, options)

test('runs are added to a comparison and taken out', async (page) => {
  const { runs } = await sweep()
  await page.goto(`/compare?runs=${runs[0].id}`)
  await seen(page.getByText('One run more makes a comparison'))
  await page.getByRole('button', { name: 'Add a run' }).click()
  const box = page.getByRole('dialog', { name: 'Add a run' })
  await box.getByLabel('Find a run').fill('trial-07')
  await until(async () => (await box.getByRole('list', { name: 'Runs' }).getByRole('button').count()) === 1, 'one is called that')
  await box.getByRole('button', { name: /^trial-07/ }).click()
  await page.keyboard.press('Escape')
  await seen(page.getByRole('table', { name: 'Comparison of runs' }))
  await page.getByRole('button', { name: 'Take trial-00 out' }).click()
  await seen(page.getByText('One run more makes a comparison'))
}, options)

test('a comparison has scatter and parallel coordinates', async (page) => {
  const { runs } = await sweep()
  await page.goto(`/compare?runs=${runs.map(({ id }) => id).join(',')}&part=parallel`)
  await seen(page.getByRole('figure', { name: /^Parallel coordinates of 12 runs/ }))
  await page.getByRole('button', { name: 'Axis final' }).click()
  const box = page.getByRole('dialog', { name: 'Axis final' })
  await box.getByLabel('From').fill('0.7')
  await box.getByLabel('From').press('Enter')
  await seen(page.getByText('5 of 12 runs'))
  await page.keyboard.press('Escape')
  await page.getByRole('group', { name: 'Part of the comparison' }).getByRole('button', { name: 'Scatter' }).click()
  await seen(page.getByRole('figure', { name: /, 12 runs$/ }))
}, options)
