/** What holds on every page: themes, narrow windows, names, the keyboard, the palette, errors. */
import { address, api, check, items, seen, test, until } from './harness.mjs'

async function places() {
  const [run, other] = items(await api('/runs?experiment=wine-quality&limit=2'))
  const incident = items(await api('/incidents'))[0]
  const traces = await fetch(`${address}/api/v1/traces?limit=1`).then((answer) => (answer.ok ? answer.json() : { items: [] }))
  const one = `/runs/${run.run_id}`
  return [...(traces.items.length ? ['/traces', `/traces/${traces.items[0].trace_id}`] : []), '/experiments', '/runs?experiment=wine-quality&chart=parallel', '/runs?experiment=wine-quality&chart=scatter', '/runs?mode=leaderboard', '/runs?group=params.recipe', `${one}?tab=metrics`, `${one}?tab=artifacts`, `${one}?tab=traces`, `${one}?tab=lineage`, `/compare?runs=${run.run_id},${other.run_id}`, `/compare?part=table&runs=${run.run_id},${other.run_id}`, '/', '/datasets', '/datasets/wine', '/runs', `/runs/${run.run_id}`, '/models', '/models/wine-quality', '/models/wine-quality/1', '/endpoints', '/endpoints/wine', '/drift/wine', '/incidents', `/incidents/${incident.id}`, '/lineage', '/journal']
}

/** What has no name for those who do not see it. */
const nameless = () =>
  [...document.querySelectorAll('a[href], button, input, select, textarea, [role=button], [role=img]')]
    .filter((element) => {
      const label = element.getAttribute('aria-label') ?? element.getAttribute('title') ?? element.textContent ?? ''
      const labels = 'labels' in element ? [...(element.labels ?? [])].map((one) => one.textContent).join('') : ''
      return !label.trim() && !labels.trim()
    })
    .map((element) => element.outerHTML.slice(0, 120))
const excess = () => document.documentElement.scrollWidth - document.documentElement.clientWidth

test('every page fits wide and narrow windows, names its controls and complains of nothing', async (page) => {
  for (const place of await places()) {
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.goto(place)
    await seen(page.getByRole('heading', { level: 1 }), 20)
    await page.waitForLoadState('load')
    await page.waitForTimeout(400)
    const headings = await page.getByRole('heading', { level: 1 }).count()
    check(headings === 1, `${place} has ${headings} first headings`)
    const errors = await page.getByRole('alert').allTextContents()
    check(errors.length === 0, `${place} shows an error: ${errors.join(' ')}`)
    const without = await page.evaluate(nameless)
    check(without.length === 0, `${place}: without a name: ${without.join(' ')}`)
    for (const width of [1440, 420]) {
      await page.setViewportSize({ width, height: 900 })
      const over = await page.evaluate(excess)
      check(over <= 0, `${place} is ${over} pixels too wide for ${width}`)
    }
  }
})

test('text stands out from what is behind it, in both themes', async (page) => {
  await page.goto('/')
  for (const theme of ['dark', 'light']) {
    const weak = await page.evaluate((chosen) => {
      document.documentElement.dataset.theme = chosen
      const style = getComputedStyle(document.documentElement)
      const light = (token) => {
        const hex = style.getPropertyValue(token).trim().slice(1)
        const [r, g, b] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const contrast = (a, b) => { const [high, low] = [light(a), light(b)].sort((x, y) => y - x); return (high + 0.05) / (low + 0.05) }
      const pairs = ['--text', '--soft', '--faint', '--accent', '--ok', '--warn', '--bad', '--info', '--violet'].map((token) => [token, '--panel'])
      for (const tone of ['ok', 'warn', 'bad', 'info', 'violet', 'accent']) pairs.push([`--${tone}`, `--${tone}-quiet`])
      pairs.push(['--faint', '--page'], ['--on-accent', '--accent'])
      return pairs.map(([a, b]) => [`${a} on ${b}`, contrast(a, b)]).filter(([, ratio]) => ratio < 4.5).map(([pair, ratio]) => `${pair} ${ratio.toFixed(2)}`)
    }, theme)
    check(weak.length === 0, `${theme}: below 4.5: ${weak.join(', ')}`)
  }
})

test('the theme follows the system, can be changed, and is remembered', async (page) => {
  const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  await page.goto('/')
  const dark = await back()
  await page.getByRole('button', { name: 'Use the light theme' }).click()
  const light = await back()
  check(dark !== light, 'the colours change')
  await page.reload()
  check((await back()) === light, 'the choice outlives a reload')
  await page.getByRole('button', { name: 'Use the dark theme' }).click()
  check((await back()) === dark, 'and back')
})

test('the keyboard reaches everything: skip link, menu, palette', async (page) => {
  await page.goto('/')
  await seen(page.getByRole('heading', { name: 'Home', level: 1 }))
  await page.keyboard.press('Tab')
  check((await page.evaluate(() => document.activeElement?.textContent)) === 'Skip to the content', 'the first stop skips the menu')
  await page.keyboard.press('Control+k')
  const input = await seen(page.getByRole('combobox'))
  await input.fill('drift wine')
  await seen(page.getByRole('option', { name: /drift\s*wine/ }))
  await page.keyboard.press('Enter')
  await until(() => page.url().endsWith('/drift/wine'), 'the palette leads to the page')
  await seen(page.getByRole('heading', { name: 'Drift at wine', level: 1 }))
})

test('the menu marks where one is, and folds on a narrow window', async (page) => {
  await page.goto('/runs')
  await seen(page.getByRole('heading', { name: 'Runs', level: 1 }))
  const menu = page.getByRole('navigation', { name: 'Main' })
  check(!(await menu.isVisible()), 'the menu is folded')
  await page.getByRole('button', { name: 'Open menu' }).click()
  check((await menu.getByRole('link', { name: 'Runs' }).getAttribute('aria-current')) === 'page', 'the page is marked')
  await menu.getByRole('link', { name: 'Models' }).click()
  await seen(page.getByRole('heading', { name: 'Models', level: 1 }))
  check(!(await menu.isVisible()), 'it folds again')
  await page.goBack()
  await seen(page.getByRole('heading', { name: 'Runs', level: 1 }))
}, { viewport: { width: 420, height: 900 } })

test('what is not there is said with code and way out', async (page) => {
  await page.goto('/endpoints/no-such-endpoint')
  const alert = await seen(page.getByRole('alert'))
  await seen(alert.getByText('not_found'))
  await page.goto('/no/such/page')
  await seen(page.getByRole('heading', { name: 'No such page', level: 1 }))
})
