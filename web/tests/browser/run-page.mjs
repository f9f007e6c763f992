/** One run: what it logged, in all its kinds. */
import { check, seen, test, until } from './harness.mjs'
import { artifact, experiment, metric, run, unique } from './log.mjs'
import { png, wav } from '../mock/tracking/media.mjs'

const options = { needs: 'tracking' }

/** A run with something of everything. */
async function rich() {
  const place = await experiment(unique('rich'))
  const parent = await run(place, 'the-parent')
  const made = await run(place, 'the-run', {
    parent: parent.id,
    params: { lr: '0.01', 'a long/name': 'x y' },
    tags: { team: 'red', 'mlflow.note.content': '## Why\n\nTo see **whether** it learns.', 'mlflow.source.name': 'train.py', 'mlflow.source.git.commit': 'c0ffee'.repeat(6) + 'cafe', 'mlflow.source.git.branch': 'topic', 'mlflow.source.git.repoURL': 'git@example.com:team/code.git', 'mlflow.source.git.diff': '+added line\n-gone line\n' },
    metrics: { train_loss: [3, 1, 2], val_loss: [4, 2, 2.5], train_score: 1, val_score: 3, 'system/cpu_utilization_percentage': [10, 50, 30] },
  })
  const image = (shade) => png(16, 16, (x) => [shade, x * 8, 90])
  for (const [step, shade] of [[0, 20], [5, 220]]) {
    const stem = `images/digits~one+step+${step}+timestamp+17000000000${step}0+ab${step}`
    await artifact(made, `${stem}.png`, image(shade))
    await artifact(made, `${stem}+compressed.webp`, image(shade))
  }
  await artifact(made, 'table.json', JSON.stringify({ columns: ['word', 'count'], data: [['b', 2], ['a', 10], ['c', 1]] }))
  await artifact(made, 'notes/readme.md', '# Notes\n\nall *well*\n')
  await artifact(made, 'notes/list.csv', 'x,y\n1,2\n3,4\n')
  await artifact(made, 'notes/config.json', '{"depth":3}')
  await artifact(made, 'notes/train.log', 'step 1\nstep 2\n')
  await artifact(made, 'sound.wav', wav(440, 0.2))
  await artifact(made, 'model.bin', Buffer.from([0, 1, 2]))
  return { place, parent, made }
}

test('a run tells its metrics, source, description and family', async (page) => {
  const { parent, made, place } = await rich()
  await page.goto(`/runs/${made.id}`)
  await seen(page.getByRole('heading', { name: 'the-run', level: 1 }))
  const metrics = await seen(page.getByRole('table', { name: /^Metrics/ }))
  const row = metrics.getByRole('row').filter({ has: page.getByRole('cell', { name: 'train_loss', exact: true }) })
  await until(async () => (await row.getByRole('cell').allTextContents()).join(' ') === 'train_loss 2 1 3 3 2', 'last, min, max, first and step')
  await seen(page.getByRole('table', { name: 'Parameters' }).getByRole('row', { name: 'a long/name x y' }))
  await seen(page.getByRole('heading', { name: 'Why' }))
  check((await page.getByRole('link', { name: 'c0ffeec0ffee' }).getAttribute('href')) === `https://example.com/team/code/commit/${'c0ffee'.repeat(6)}cafe`, 'the commit leads to the repository')
  await seen(page.getByText('git checkout c0ffeec0ffee && python train.py'))
  await seen(page.getByLabel('Uncommitted changes').getByText('+added line'))
  await page.getByRole('link', { name: 'the-parent' }).click()
  await seen(page.getByRole('heading', { name: 'the-parent', level: 1 }))
  await seen(page.getByRole('link', { name: 'the-run' }))
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: place.name }).click()
  await until(() => page.url().includes(`experiment=${place.name}`), 'the trail leads to the experiment')
  check(parent.id !== made.id, 'two runs')
}, options)

test('a description is written in Markdown', async (page) => {
  const place = await experiment(unique('described'))
  const made = await run(place, 'plain')
  await page.goto(`/runs/${made.id}`)
  await page.getByRole('button', { name: 'Write one' }).click()
  await page.getByLabel('Description in Markdown').fill('# What came out\n\n- it works')
  await page.getByRole('button', { name: 'Save' }).click()
  await seen(page.getByRole('heading', { name: 'What came out' }))
}, options)

test('metrics that belong together share a chart; the machine has its own page', async (page) => {
  const { made } = await rich()
  await page.goto(`/runs/${made.id}?tab=metrics`)
  const loss = await seen(page.getByRole('figure', { name: 'loss by step' }))
  for (const key of ['train_loss', 'val_loss']) await seen(loss.getByText(key))
  check((await page.getByRole('figure', { name: /cpu/ }).count()) === 0, 'no system metric among them')
  const score = page.getByRole('list', { name: 'score by run' }).getByRole('listitem')
  await until(async () => (await score.count()) === 2, 'values that were logged once are bars')
  await seen(score.filter({ hasText: 'val_score' }).getByText('3', { exact: true }))
  await page.getByRole('slider').first().fill('0.5')
  await until(() => /smooth=0.5/.test(page.url()), 'the address keeps the smoothing')
  await page.getByRole('navigation', { name: 'Parts of the run' }).getByRole('link', { name: /^System/ }).click()
  await seen(page.getByRole('figure', { name: /^cpu_utilization_percentage by time since the start/ }))
}, options)

test('artifacts are shown: pictures by step, tables, text, Markdown, sound', async (page) => {
  const { made } = await rich()
  await page.goto(`/runs/${made.id}?tab=artifacts`)
  await seen(page.getByRole('img', { name: 'digits/one at step 5' }), 12)
  await page.getByRole('slider', { name: 'Step' }).fill('0')
  await seen(page.getByRole('img', { name: 'digits/one at step 0' }))
  const tree = page.getByRole('tree', { name: 'Artifacts' })
  const open = (name) => tree.getByRole('button', { name: new RegExp(`^${name}`) }).click()
  await open('table.json')
  const table = await seen(page.getByRole('table', { name: 'table.json' }))
  await table.getByRole('button', { name: 'count' }).click()
  await until(async () => (await table.getByRole('cell').allTextContents()).join() === 'a,10,b,2,c,1', 'ordered by the column')
  await open('notes')
  await open('readme.md')
  await seen(page.getByRole('heading', { name: 'Notes' }))
  await open('list.csv')
  await seen(page.getByRole('table', { name: 'list.csv' }).getByRole('cell', { name: '3' }))
  await open('config.json')
  await seen(page.getByText('"depth": 3'))
  await open('train.log')
  await seen(page.getByText('step 2'))
  await open('sound.wav')
  const player = page.getByRole('region', { name: 'Artifact sound.wav' }).getByLabel('sound.wav', { exact: true })
  await until(async () => (await player.evaluate((element) => element.duration)) > 0.1, 'the player knows how long it is')
  await open('model.bin')
  await seen(page.getByText('There is no view for this kind of file'))
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download model.bin' }).click()])
  check(download.suggestedFilename() === 'model.bin', 'a file is downloaded under its name')
  check(/file=model.bin/.test(page.url()), 'the address keeps the file')
}, options)

test('a run under way is followed', async (page) => {
  const place = await experiment(unique('growing'))
  const made = await run(place, 'growing', { status: 'RUNNING', started: Date.now() - 5000, metrics: { loss: [3, 2] } })
  await page.goto(`/runs/${made.id}?tab=metrics`)
  await seen(page.getByText('running', { exact: true }))
  const figure = await seen(page.getByRole('figure', { name: 'loss by step' }))
  await seen(figure.getByText('2', { exact: true }))
  await metric(made.id, 'loss', 0.625, 2)
  await seen(figure.getByText('0.6250', { exact: true }), 15)
}, options)
