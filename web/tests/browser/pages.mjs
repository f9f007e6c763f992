/** Home and what the data scientist looks at: datasets, runs, models, lineage, journal. */
import { api, check, items, seen, test, until } from './harness.mjs'

test('home shows the line, the endpoint, the incidents and the journal', async (page) => {
  await page.goto('/')
  await seen(page.getByRole('heading', { name: 'Home', level: 1 }))
  const line = page.getByRole('navigation', { name: 'The line' })
  for (const station of ['data', 'learn', 'models', 'serve', 'watch', 'respond']) await seen(line.getByRole('link', { name: new RegExp(`^${station}:`) }))
  await seen(page.getByRole('article', { name: 'Endpoint wine' }))
  await seen(page.getByRole('list', { name: 'Latest journal entries' }).getByRole('listitem'))
  const open = items(await api('/incidents')).filter(({ status }) => status !== 'resolved').length
  await seen(line.getByRole('link', { name: open ? new RegExp(`respond: ${open} open`) : /respond: none open/ }))
})

test('datasets lead to versions, schema, statistics and rows', async (page) => {
  await page.goto('/datasets')
  await (await seen(page.getByRole('link', { name: 'wine', exact: true }))).click()
  await seen(page.getByRole('heading', { name: 'wine', level: 1 }))
  const columns = await seen(page.getByRole('table', { name: /^Columns of/ }))
  for (const name of ['fixed acidity', 'alcohol', 'quality']) await seen(columns.getByRole('cell', { name, exact: true }))
  await seen(columns.getByRole('img', { name: /^alcohol: from/ }))
  await seen(page.getByRole('table', { name: /^Sample rows/ }).getByRole('row'))
  const { commits } = await api('/datasets/wine')
  check(commits >= 2, 'the demo commits at least twice')
  await seen(page.getByRole('list', { name: 'Commits' }).getByText('v1', { exact: true }))
})

test('an earlier dataset version can be looked at, and the address keeps it', async (page) => {
  await page.goto('/datasets/wine?reference=v1')
  const { rows } = await api('/datasets/wine/commits/v1')
  await seen(page.getByText(rows.toLocaleString('en-GB'), { exact: true }))
  check(new URL(page.url()).searchParams.get('reference') === 'v1', 'the address names the version')
})

test('runs are listed, sorted by the server and filtered', async (page) => {
  await page.goto('/runs?experiment=wine-quality')
  const table = await seen(page.getByRole('table', { name: 'Runs' }))
  const rows = table.getByRole('row')
  await until(async () => (await rows.count()) > 12, 'the demo has a sweep of at least 12 runs')
  await table.getByRole('button', { name: /^val_auc/ }).click()
  await until(async () => (await table.getByRole('columnheader', { name: /^val_auc/ }).getAttribute('aria-sort')) === 'descending', 'the column says how it is sorted')
  const best = items(await api(`/runs?experiment=wine-quality&limit=1&order_by=${encodeURIComponent('metrics.val_auc DESC')}`))[0]
  await until(async () => (await rows.nth(1).getByRole('link').first().textContent()) === best.name, 'the best run stands first')
  check(/order=metrics.val_auc/.test(page.url()), 'the address keeps the order')
  await page.getByLabel('Filter').fill("params.recipe = 'mlp'")
  await page.getByRole('button', { name: 'Filter' }).click()
  await until(async () => (await table.getByRole('cell', { name: 'boosted-trees', exact: true }).count()) === 0 || (await fakes()), 'the filter holds')
  // The stand-in server does not filter.
  async function fakes() {
    const all = items(await api(`/runs?filter=${encodeURIComponent("params.recipe = 'mlp'")}`))
    return all.some(({ params }) => params.recipe === 'boosted-trees')
  }
})

test('a wrong filter is explained', async (page) => {
  await page.goto('/runs?filter=' + encodeURIComponent('metrics.val_auc >>> 1'))
  const answer = await fetch(new URL(`/api/v1/runs?filter=${encodeURIComponent('metrics.val_auc >>> 1')}`, page.url()))
  if (answer.ok) return
  const { error } = await answer.json()
  const alert = await seen(page.getByRole('alert'))
  await seen(alert.getByText(error.what))
  await seen(alert.getByText(error.code, { exact: true }))
})

test('a run shows parameters, metrics by step, origin, artifacts and how to reproduce it', async (page) => {
  const { run_id } = items(await api('/runs?experiment=wine-quality&limit=50')).find(({ params }) => params.recipe === 'mlp')
  const run = await api(`/runs/${run_id}`)
  await page.goto(`/runs/${run_id}`)
  await seen(page.getByRole('heading', { name: run.name, level: 1 }))
  await seen(page.getByRole('figure', { name: /by step$/ }))
  await seen(page.getByText(`ropewalk run reproduce ${run_id}`))
  const [name, value] = Object.entries(run.params).find(([key]) => key === 'recipe')
  await seen(page.getByRole('row', { name: `${name} ${value}` }))
  await seen(page.getByRole('link', { name: `wine@${run.dataset.split('@')[1].slice(0, 8)}` }))
  await seen(page.getByRole('group', { name: /^Lineage of/ }))
  await (await seen(page.getByRole('list', { name: 'Artifacts' }).getByRole('button', { name: 'model' }))).click()
  await seen(page.getByRole('button', { name: 'Download bundle.json' }))
})

test('models show aliases, gates and where each version is served', async (page) => {
  await page.goto('/models')
  const table = await seen(page.getByRole('table', { name: 'Versions of wine-quality' }))
  const { aliases } = await api('/models/wine-quality')
  const row = table.getByRole('row').filter({ has: page.getByRole('link', { name: `version ${aliases.champion}`, exact: true }) })
  await seen(row.getByText('champion', { exact: true }))
  await seen(row.getByText(/passed/))
  await seen(row.getByRole('link', { name: /^wine/ }))
  await row.getByRole('link', { name: `version ${aliases.champion}`, exact: true }).click()
  await seen(page.getByRole('heading', { name: `wine-quality version ${aliases.champion}`, level: 1 }))
  await seen(page.getByRole('cell', { name: 'fixed acidity', exact: true }))
  await seen(page.getByText('auc floor'))
})

test('lineage goes both ways and leads on', async (page) => {
  const { aliases } = await api('/models/wine-quality')
  await page.goto(`/lineage?of=model:wine-quality/${aliases.champion}`)
  const graph = await seen(page.getByRole('group', { name: /^Lineage of wine-quality/ }))
  await seen(graph.getByRole('link', { name: /^run / }))
  await page.getByRole('button', { name: 'upstream', exact: true }).click()
  check(/direction=upstream/.test(page.url()), 'the address keeps the direction')
  await until(async () => (await graph.getByRole('link', { name: /^endpoint / }).count()) === 0, 'nothing downstream is left')
  await graph.getByRole('link', { name: /^run / }).first().click()
  await until(() => /\/runs\//.test(page.url()), 'a box leads to its page')
})

test('the journal is filtered, opened and live', async (page) => {
  await page.goto('/journal')
  const table = await seen(page.getByRole('table', { name: 'Journal entries' }))
  await seen(table.getByRole('row').nth(1))
  const newest = async () => Number((await table.getByRole('row').nth(1).getByRole('cell').first().textContent()) ?? 0)
  await seen(page.getByRole('status').filter({ hasText: 'Live' }))
  const before = await newest()
  await api('/endpoints/wine/evaluate', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
  await until(async () => (await newest()) > before, 'a new entry comes without a reload')
  await page.getByLabel('Verb').selectOption('register')
  await until(async () => (await table.getByText('registered').count()) >= 2, 'the registrations are listed')
  await table.getByRole('button', { name: /^Facts of entry/ }).first().click()
  const [{ facts }] = items(await api('/journal?verb=register&newest_first=true&limit=1'))
  await seen(table.getByText(`"${Object.keys(facts)[0]}"`))
})
