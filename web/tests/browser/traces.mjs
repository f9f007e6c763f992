/** Traces: found, read span by span, judged. */
import { check, seen, test, until } from './harness.mjs'
import { experiment, trace, unique } from './log.mjs'

const options = { needs: ['tracking', 'traces'] }

test('traces are listed, filtered and read span by span', async (page) => {
  const place = await experiment(unique('traced'))
  const good = await trace(place, { name: 'good-one', question: 'what is well?' })
  const bad = await trace(place, { name: 'bad-one', failed: true, question: 'what is ill?' })
  await page.goto(`/traces?experiment=${place.name}`)
  const table = await seen(page.getByRole('table', { name: 'Traces' }))
  for (const { name } of [good, bad]) await seen(table.getByRole('link', { name, exact: true }))
  await page.getByRole('button', { name: 'errors', exact: true }).click()
  await until(async () => (await table.getByRole('link', { name: 'good-one' }).count()) === 0, 'only what failed is left')
  await table.getByRole('link', { name: 'bad-one' }).click()
  await seen(page.getByRole('heading', { name: 'bad-one', level: 1 }))
  const spans = await seen(page.getByRole('tree', { name: 'Spans' }))
  await seen(spans.getByRole('treeitem', { name: /^bad-one, CHAIN, 900 ms/ }))
  check((await spans.getByRole('treeitem', { name: /^chat, LLM, 700 ms, error/ }).getAttribute('aria-level')) === '2', 'the call stands below the chain')
  await spans.focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  const span = await seen(page.getByRole('region', { name: 'Span chat' }))
  await seen(span.getByRole('group', { name: 'Exception' }).getByText('OverloadedError'))
  await seen(span.getByRole('list', { name: 'Inputs' }).getByText('what is ill?'))
}, options)

test('feedback is given to a trace', async (page) => {
  const place = await experiment(unique('judged'))
  const { id } = await trace(place)
  await page.goto(`/traces/${id}`)
  await seen(page.getByText('Nobody has judged it yet.'))
  const form = page.getByRole('form', { name: 'Add feedback' })
  await form.getByLabel('Why').fill('short and right')
  await form.getByRole('button', { name: 'Yes', exact: true }).click()
  const list = page.getByRole('list', { name: 'Assessments' })
  await seen(list.getByText('short and right'))
  await seen(list.getByText('true', { exact: true }))
  await form.getByLabel('Feedback on').fill('stars')
  await form.getByLabel('As').selectOption('number')
  check(await form.getByRole('button', { name: 'Add feedback' }).isDisabled(), 'a number is needed')
  await form.getByLabel('Value', { exact: true }).fill('4')
  await form.getByRole('button', { name: 'Add feedback' }).click()
  await seen(list.getByText('stars'))
  await page.goto(`/traces?experiment=${place.name}`)
  await seen(page.getByRole('table', { name: 'Traces' }).getByText('helpful: true'))
}, options)

test('a wrong filter of traces is explained', async (page) => {
  await page.goto(`/traces?filter=${encodeURIComponent('attributes.status >>> 1')}`)
  const alert = await seen(page.getByRole('alert'))
  await seen(alert.getByText('invalid', { exact: true }))
}, options)
