/**
 * A stand-in for the server, for working on the web app: answers from story.mjs and serves dist/ under the real
 * content security policy. `npm run mock`, then open the address it prints. EMPTY=1 gives an empty home, OPEN=1 an
 * open incident and running work. Tracking is in tracking/: it also holds an experiment of 10,000 runs (RUNS) with
 * 1,000 columns, and one with 100,000 measurements. DELAY=ms answers late.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as story from './story.mjs'
import { tracking } from './tracking/routes.mjs'
import { tracing } from './tracking/traces.mjs'

const dist = join(fileURLToPath(new URL('.', import.meta.url)), '../../dist')
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }
const policy = "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const empty = !!process.env.EMPTY

const paged = (items) => ({ items })
const one = (list, wanted, ...keys) => list.find((item) => keys.some((key) => String(item[key]).startsWith(wanted)))

function journal(query) {
  const list = story.journal.filter((entry) => (!query.get('verb') || entry.verb === query.get('verb')) && (!query.get('about') || [entry.subject, ...entry.inputs, ...entry.outputs].includes(query.get('about'))))
  return paged(list.toReversed().slice(0, Number(query.get('limit') ?? 100)))
}

const routes = [
  ['/datasets', () => (empty ? [] : [story.dataset])],
  ['/datasets/:name', () => story.dataset],
  ['/datasets/:name/log', () => paged(story.commits)],
  ['/datasets/:name/commits/:reference', ({ reference }) => { const ref = [...story.dataset.branches, ...story.dataset.tags].find(({ name }) => name === reference); return one(story.commits, ref?.commit ?? reference, 'id') }],
  ['/datasets/:name/rows/:reference', () => story.sample],
  ['/models', () => (empty ? [] : [story.model])],
  ['/models/:name', () => ({ ...story.model, versions: story.versions.toReversed() })],
  ['/models/:name/history', ({ name }) => story.journal.filter(({ subject }) => subject.startsWith(`model:${name}`)).map(({ seq, time_ms, actor, verb, subject, facts }) => ({ seq, time_ms, actor, verb, name, version: subject.includes('/') ? Number(subject.split('/')[1]) : null, text: `${verb} ${subject.slice(6)}`, facts }))],
  ['/models/:name/versions/:version', ({ version }) => one(story.versions, version, 'version')],
  ['/endpoints', () => (empty ? [] : [story.endpoint])],
  ['/endpoints/:name', ({ name }) => (name === 'wine' ? story.endpoint : undefined)],
  ['/endpoints/:name/served', () => story.served],
  ['/endpoints/:name/statistics', story.statistics],
  ['/endpoints/:name/predictions', (_, query) => paged(story.predictions.slice(-Number(query.get('limit') ?? 100)))],
  ['/endpoints/:name/reports', () => paged(story.reports)],
  ['/endpoints/:name/monitor', () => story.monitor],
  ['/endpoints/:name/rollouts', () => paged(story.rollouts)],
  ['/endpoints/:name/rollback', () => story.served],
  ['/endpoints/:name/evaluate', evaluate],
  ['/reports/:id', ({ id }) => story.report(id)],
  ['/incidents', () => paged(empty ? [] : story.incidents)],
  ['/incidents/:id', ({ id }) => { const incident = one(story.incidents, id, 'number', 'id'); return incident && { incident, timeline: story.timeline(incident) } }],
  ['/incidents/:id/postmortem', ({ id }) => story.postmortem(one(story.incidents, id, 'number', 'id').number)],
  ['/incidents/:id/runbooks', ({ id }) => (one(story.incidents, id, 'number', 'id').number === 1 ? story.runbooks : [])],
  ['/why', () => story.why],
  ['/journal', (_, query) => (empty ? paged([]) : journal(query))],
  ['/lineage', (_, query) => story.lineage(query.get('of'), query.get('direction'))],
  ['/ledger/summary', () => (empty ? { entries: 0 } : story.ledger)],
  ['/jobs', () => story.jobs],
]

function answer(path, query) {
  for (const [pattern, make] of routes) {
    const [wanted, given] = [pattern.split('/'), path.split('/')]
    if (wanted.length !== given.length || !wanted.every((part, index) => part.startsWith(':') || part === given[index])) continue
    return make(Object.fromEntries(wanted.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), decodeURIComponent(given[index])]] : []))), query)
  }
  return undefined
}

const listeners = new Set()

/** A new report, as the monitor would make one. */
function evaluate() {
  const last = story.journal.at(-1)
  const entry = { ...last, seq: last.seq + 1, time_ms: Date.now(), actor: 'system:monitor', verb: 'drift', subject: `report:${story.reports[0].id}`, inputs: ['endpoint:wine'], outputs: [], facts: { status: 'ok', share_drifted: 0, realised_auc: 0.821 } }
  if (!empty) story.journal.push(entry)
  for (const listener of listeners) listener(`id: ${entry.seq}\ndata: ${JSON.stringify(entry)}\n\n`)
  return story.report(story.reports[0].id)
}
setInterval(evaluate, 20_000).unref()

function events(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write(': here\n\n')
  const listener = (text) => response.write(text)
  listeners.add(listener)
  response.on('close', () => listeners.delete(listener))
}

async function page(path, response) {
  const wanted = normalize(path).replace(/^(\.\.(\/|$))+/, '')
  const name = extname(wanted) ? wanted : '/index.html'
  const content = await readFile(join(dist, name)).catch(() => undefined)
  if (!content) return void response.writeHead(404).end('not found\n')
  response.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream', 'content-security-policy': policy }).end(content)
}

async function read(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

const delay = Number(process.env.DELAY ?? 0)

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (pathname === '/api/v1/events') return events(response)
  if (/^\/v2\/models\/.+\/infer$/.test(pathname)) {
    return send(200, { model_name: 'wine', model_version: '2', parameters: { revision: 2 }, outputs: [{ name: 'probability', shape: [1], datatype: 'FP32', data: [0.7312] }] })
  }
  if (!pathname.startsWith('/api/') && pathname !== '/v1/traces') return page(pathname, response)
  const content = await read(request)
  if (delay) await new Promise((resolve) => setTimeout(resolve, delay))
  try {
    const told = tracing(request.method, pathname, searchParams, content, request.headers['x-mlflow-experiment-id']) ?? tracking(request.method, pathname, searchParams, content)
    if (told?.bytes) return void response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-content-type-options': 'nosniff' }).end(told.bytes)
    if (told) return send(told.status, told.body)
  } catch (error) {
    console.error(error)
    return send(500, { error: { code: 'internal', what: String(error) } })
  }
  const body = answer(pathname.slice('/api/v1'.length), searchParams)
  if (body === undefined) return send(404, { error: { code: 'not_found', what: `there is nothing at ${pathname}`, why: 'the name is not known', hint: 'ropewalk endpoint ls' } })
  return send(200, body)
})
server.listen(Number(process.env.PORT ?? 4000), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
