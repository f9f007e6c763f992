/** What the production engineer looks at: endpoint, drift, incidents. */
import { api, check, items, seen, test, until } from './harness.mjs'

test('the endpoint shows its split, its read-back, its figures and its predictions', async (page) => {
  await page.goto('/endpoints')
  await (await seen(page.getByRole('link', { name: 'wine', exact: true }))).click()
  await seen(page.getByRole('heading', { name: 'wine', level: 1 }))
  const { revisions } = await api('/endpoints/wine/served')
  const table = await seen(page.getByRole('table', { name: 'Revisions of wine' }))
  for (const { revision } of revisions) await seen(table.getByRole('cell', { name: `revision ${revision}`, exact: true }))
  await seen(page.getByRole('img', { name: /^Traffic: 100 % to revision/ }))
  await seen(page.getByRole('figure', { name: /^Requests and failures/ }))
  await seen(page.getByRole('figure', { name: /latency/ }))
  const predictions = await seen(page.getByRole('table', { name: 'Recent predictions' }))
  await until(async () => (await predictions.getByRole('row').count()) > 5, 'recent predictions are listed')
  await seen(page.getByRole('article', { name: /^Roll-out of revision/ }))
})

test('a prediction opens to its inputs', async (page) => {
  await page.goto('/endpoints/wine')
  const table = await seen(page.getByRole('table', { name: 'Recent predictions' }))
  await table.getByRole('button').first().click()
  await seen(table.getByText('alcohol'))
})

test('the form sends a row and shows the answer', async (page) => {
  await page.goto('/endpoints/wine')
  const form = await seen(page.getByRole('form', { name: 'Try the endpoint' }))
  await form.getByLabel('alcohol').fill('12.5')
  await form.getByRole('button', { name: 'Predict' }).click()
  await seen(form.getByRole('status').getByText(/by revision/))
  await seen(form.getByRole('img', { name: /^probability 0\.\d+/ }))
})

test('rolling back asks first and can be left', async (page) => {
  const before = await api('/endpoints/wine/served')
  await page.goto('/endpoints/wine')
  await (await seen(page.getByRole('button', { name: /Roll back/ }))).click()
  const dialog = await seen(page.getByRole('dialog', { name: 'Roll back wine' }))
  await seen(dialog.getByLabel('To'))
  await seen(dialog.getByLabel(/Reason/))
  await seen(dialog.getByRole('button', { name: 'Roll back now' }))
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  const after = await api('/endpoints/wine/served')
  check(JSON.stringify(after.revisions.map(({ percent }) => percent)) === JSON.stringify(before.revisions.map(({ percent }) => percent)), 'nothing moved')
})

test('drift stands with the most drifted first, with shapes and quality over time', async (page) => {
  const bad = items(await api('/endpoints/wine/reports?limit=200')).find(({ status }) => status === 'alert')
  check(bad, 'the demo has an alarming report')
  await page.goto(`/drift/wine?report=${bad.id}`)
  const table = await seen(page.getByRole('table', { name: 'Columns by drift' }))
  const report = await api(`/reports/${bad.id}`)
  const worst = report.columns.filter(({ drifted }) => drifted).sort((a, b) => b.effect_size - a.effect_size)[0]
  check(((await table.getByRole('row').nth(1).getByRole('button').textContent()) ?? '').trim() === worst.name, `${worst.name} stands first`)
  await seen(page.getByRole('img', { name: new RegExp(`^${worst.name}: distribution in the reference and in current traffic`) }).last())
  await seen(page.getByRole('figure', { name: /^Realised AUC over time/ }))
  await seen(page.getByRole('list', { name: 'Findings' }).getByRole('listitem'))
  await table.getByRole('button', { name: 'pH', exact: true }).click()
  check(/column=pH/.test(page.url()), 'the address keeps the column')
  await seen(page.getByRole('heading', { name: 'pH', level: 2 }))
  await seen(page.getByRole('table', { name: 'Reports' }).getByRole('row').nth(2))
})

test('incidents are listed by state', async (page) => {
  const all = items(await api('/incidents'))
  check(all.length >= 2, 'the demo has two incidents')
  await page.goto('/incidents')
  const list = page.getByRole('list', { name: 'Incidents' })
  await until(async () => (await list.getByRole('listitem').count()) === all.length, 'all are listed')
  await page.getByRole('button', { name: /^resolved/ }).click()
  const resolved = all.filter(({ status }) => status === 'resolved').length
  await until(async () => (await list.getByRole('listitem').count()) === resolved, 'only the resolved ones are left')
})

test('an incident tells who did what, what changed, what it cost, and its post-mortem', async (page) => {
  const incident = items(await api('/incidents')).find(({ kind }) => kind === 'monitoring')
  const { timeline } = await api(`/incidents/${incident.id}`)
  await page.goto(`/incidents/${incident.id}`)
  await seen(page.getByRole('heading', { name: incident.title, level: 1 }))
  const list = await seen(page.getByRole('list', { name: 'Timeline' }))
  await until(async () => (await list.getByRole('listitem').count()) === timeline.length, 'every entry is there')
  const actor = timeline.find(({ verb }) => verb === 'incident.open').actor
  await seen(list.getByTitle(actor, { exact: true }))
  await page.getByRole('button', { name: 'alert', exact: true }).click()
  await until(async () => (await list.getByRole('listitem').count()) < timeline.length, 'a kind can be put out of sight')
  await seen(page.getByRole('table', { name: 'Columns that differ' }).getByRole('row').nth(1))
  await seen(page.getByRole('list', { name: /^Steps of runbook retrain/ }).getByRole('listitem'))
  await seen(page.getByRole('heading', { name: 'Post-mortem', level: 2 }))
  await seen(page.getByText('cost of the cure'))
  if (incident.status === 'resolved') check(await page.getByRole('button', { name: 'Resolve…' }).isDisabled(), 'what is over cannot be ended again')
})

test('the bad release is told with its roll-back and the proof', async (page) => {
  const incident = items(await api('/incidents')).find(({ kind }) => kind === 'bad_release')
  check(incident, 'the demo has a bad release')
  await page.goto(`/incidents/${incident.id}`)
  const rollout = await seen(page.getByRole('article', { name: /^Roll-out of revision/ }))
  await seen(rollout.getByText('rolled back'))
  await seen(rollout.getByText('no request failed'))
  await seen(rollout.getByText('read back'))
})
