/** Logs what a test needs, as any MLflow client would: over its REST, to the same server. */
import { address } from './harness.mjs'

const headers = { 'content-type': 'application/json' }

async function send(path, method, body, type) {
  const response = await fetch(`${address}${path}`, { method, body, headers: type === undefined ? undefined : { 'content-type': type } })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  const text = await response.text()
  return text ? JSON.parse(text) : {}
}

const mlflow = (path, body) => send(`/api/2.0/mlflow/${path}`, 'POST', JSON.stringify(body), headers['content-type'])
const pairs = (values = {}) => Object.entries(values).map(([key, value]) => ({ key, value: String(value) }))

/** Unique, so that tests can run again on the same server. */
export const unique = (name) => `${name}-${Date.now().toString(36)}${Math.floor(Math.random() * 1e4)}`

export async function experiment(name) {
  const { experiment_id } = await mlflow('experiments/create', { name })
  return { id: experiment_id, name }
}

/** A run with everything; metrics are lists of values by step, or one value. */
export async function run(place, name, { params, tags, metrics = {}, status = 'FINISHED', started = Date.now() - 60_000, parent } = {}) {
  const all = { 'mlflow.runName': name, ...(parent ? { 'mlflow.parentRunId': parent } : {}), ...tags }
  const made = await mlflow('runs/create', { experiment_id: place.id, run_name: name, start_time: started, tags: pairs(all), user_id: 'tester' })
  const { run_id, artifact_uri } = made.run.info
  const points = Object.entries(metrics).flatMap(([key, values]) => [values].flat().map((value, step) => ({ key, value, step, timestamp: started + step * 1000 })))
  for (let from = 0; from === 0 || from < points.length; from += 1000) {
    await mlflow('runs/log-batch', { run_id, metrics: points.slice(from, from + 1000), params: from === 0 ? pairs(params) : [], tags: [] })
  }
  if (status !== 'RUNNING') await mlflow('runs/update', { run_id, status, end_time: started + 42_000 })
  return { id: run_id, name, uri: artifact_uri }
}

export const metric = (run_id, key, value, step) => mlflow('runs/log-batch', { run_id, metrics: [{ key, value, step, timestamp: Date.now() }], params: [], tags: [] })

/** An artifact through the server's proxy. */
export async function artifact({ uri }, path, content) {
  const place = uri.replace(/^mlflow-artifacts:\/+/, '')
  await send(`/api/2.0/mlflow-artifacts/artifacts/${place}/${path.split('/').map(encodeURIComponent).join('/')}`, 'PUT', content, 'application/octet-stream')
}

const hex = (digits) => Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join('')

/** A trace of two spans: told of through MLflow's REST, its spans sent over OpenTelemetry's protocol as JSON. */
export async function trace(place, { name = 'answer', failed = false, question = 'why?' } = {}) {
  const [trace, root, call] = [hex(32), hex(16), hex(16)]
  const now = BigInt(Date.now()) * 1_000_000n
  const text = (key, value) => ({ key, value: { stringValue: JSON.stringify(value) } })
  const span = (spanId, parentSpanId, title, type, from, to, more) => ({
    traceId: trace, spanId, ...(parentSpanId ? { parentSpanId } : {}), name: title, kind: 1, startTimeUnixNano: String(now + BigInt(from) * 1_000_000n), endTimeUnixNano: String(now + BigInt(to) * 1_000_000n),
    attributes: [text('mlflow.spanType', type), text('mlflow.traceRequestId', `tr-${trace}`), ...more], status: failed ? { code: 2, message: 'overloaded' } : { code: 1 },
    events: failed && parentSpanId ? [{ timeUnixNano: String(now + BigInt(to) * 1_000_000n), name: 'exception', attributes: [{ key: 'exception.type', value: { stringValue: 'OverloadedError' } }, { key: 'exception.message', value: { stringValue: 'overloaded' } }] }] : [],
  })
  const spans = [
    span(root, undefined, name, 'CHAIN', 0, 900, [text('mlflow.spanInputs', { question }), text('mlflow.spanOutputs', failed ? null : { answer: 'because' })]),
    span(call, root, 'chat', 'LLM', 100, 800, [text('mlflow.spanInputs', { messages: [{ role: 'user', content: question }] }), text('mlflow.spanOutputs', { choices: [{ message: { role: 'assistant', content: 'because' } }] })]),
  ]
  const info = { trace_id: `tr-${trace}`, trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: place.id } }, request_time: new Date().toISOString(), execution_duration: '0.9s', state: failed ? 'ERROR' : 'OK', request_preview: JSON.stringify({ question }), tags: { 'mlflow.traceName': name }, trace_metadata: {} }
  await send('/api/3.0/mlflow/traces', 'POST', JSON.stringify({ trace: { trace_info: info } }), headers['content-type'])
  const response = await fetch(`${address}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-mlflow-experiment-id': place.id },
    body: JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: { name: 'test' }, spans }] }] }),
  })
  if (!response.ok) throw new Error(`/v1/traces answered ${response.status}: ${await response.text()}`)
  return { id: `tr-${trace}`, name }
}
