/** Traces of the stand-in: a small assistant that looks things up, and traces that the tests send. */
import { hex, random } from '../wine.mjs'
import { filter, problem } from './filter.mjs'
import { findExperiment, runs } from './store.mjs'

const now = Date.now()
const traces = []

function span(list, parent, name, type, from, to, more = {}) {
  const one = { span_id: hex(16), parent_id: parent?.span_id ?? null, name, span_type: type, status: 'OK', message: null, start_ms: from, duration_ms: to - from, inputs: null, outputs: null, attributes: {}, events: [], ...more }
  list.push(one)
  return one
}

const questions = ['Which wine goes with cod?', 'Is a pH of 3.9 too high?', 'Compare the last two sweeps', 'Why did trial 7 fail?', 'Summarise the drift report', 'How many reds are rated 8?']

function make(index, experiment_id, run) {
  const began = now - index * 97_000 - random() * 20_000
  const failed = index % 9 === 4
  const spans = []
  const retrieval = 120 + random() * 300
  const thinking = 700 + random() * 2400
  const total = retrieval + thinking + 90
  const question = questions[index % questions.length]
  const usage = { input_tokens: Math.round(400 + random() * 900), output_tokens: Math.round(60 + random() * 300) }
  usage.total_tokens = usage.input_tokens + usage.output_tokens
  const root = span(spans, null, 'answer', 'CHAIN', began, began + total, { inputs: { question }, outputs: failed ? null : { answer: 'A dry white with little tannin, such as a Vinho Verde.' } })
  const lookup = span(spans, root, 'retrieve', 'RETRIEVER', began + 10, began + 10 + retrieval, { inputs: { query: question, k: 4 }, outputs: [{ page_content: 'Whites of the region …', metadata: { doc_uri: 'wine/white.md', score: 0.83 } }, { page_content: 'On acidity …', metadata: { doc_uri: 'wine/acid.md', score: 0.71 } }] })
  span(spans, lookup, 'embed', 'EMBEDDING', began + 14, began + 60, { inputs: { text: question }, outputs: { dimensions: 768 } })
  span(spans, lookup, 'search index', 'UNKNOWN', began + 62, began + 8 + retrieval, { attributes: { 'index.size': 12_840 } })
  const call = span(spans, root, 'chat', 'LLM', began + 20 + retrieval, began + 20 + retrieval + thinking, {
    status: failed ? 'ERROR' : 'OK', message: failed ? 'the model answered 529: overloaded' : null,
    inputs: { messages: [{ role: 'system', content: 'You answer briefly.' }, { role: 'user', content: question }], temperature: 0.2 },
    outputs: failed ? null : { choices: [{ message: { role: 'assistant', content: 'A dry white with little tannin, such as a Vinho Verde.' } }] },
    attributes: { 'mlflow.llm.model': 'small-1', 'mlflow.chat.tokenUsage': usage },
    events: failed ? [{ name: 'exception', time_ms: began + retrieval + thinking, attributes: { 'exception.type': 'OverloadedError', 'exception.message': 'the model answered 529: overloaded', 'exception.stacktrace': 'Traceback (most recent call last):\n  File "assistant.py", line 41, in chat\n    return client.create(messages)\nOverloadedError: 529' } }] : [{ name: 'first token', time_ms: began + retrieval + 380, attributes: {} }],
  })
  if (index % 3 === 0) span(spans, call, 'tool: run_search', 'TOOL', began + 40 + retrieval, began + 40 + retrieval + thinking * 0.3, { inputs: { filter: "metrics.val_auc > 0.8" }, outputs: { runs: 14 } })
  if (failed) root.status = 'ERROR'
  const feedback = (name, value, source_type, rationale) => ({ assessment_id: `a-${hex(32)}`, name, kind: 'feedback', value, error: null, source_type, source_id: source_type === 'HUMAN' ? 'ada' : 'judge-1', rationale, span_id: null, created_ms: began + 60_000, updated_ms: began + 60_000, valid: true, metadata: {} })
  traces.push({
    trace_id: `tr-${hex(32)}`, experiment_id, name: 'answer', state: index === 0 ? 'IN_PROGRESS' : failed ? 'ERROR' : 'OK', start_ms: Math.round(began), session: `session-${index % 5}`, user: null, run_id: run?.run_id ?? null, duration_ms: index === 0 ? null : Math.round(total),
    request_preview: JSON.stringify({ question }), response_preview: failed ? null : 'A dry white with little tannin, such as a Vinho Verde.',
    tags: { channel: index % 2 ? 'web' : 'cli', 'mlflow.traceName': 'answer' }, metadata: { 'mlflow.trace.session': `session-${index % 5}`, ...(run ? { 'mlflow.sourceRun': run.run_id } : {}) },
    input_tokens: null, output_tokens: null, total_tokens: null, ...(failed ? {} : usage), cost: failed ? null : usage.total_tokens * 2.1e-6, runs: [], prompts: index % 5 === 2 ? ['answer-briefly/3'] : [],
    assessments: [...(index % 2 ? [feedback('relevance', index % 4 === 1 ? 'yes' : 'no', 'LLM_JUDGE', 'The passage names the fish.')] : []), ...(index % 5 === 0 ? [feedback('helpful', true, 'HUMAN', 'Short and right.')] : []), ...(index % 6 === 0 ? [{ ...feedback('expected', 'A dry white', 'HUMAN', null), kind: 'expectation' }] : [])],
    spans,
  })
}

if (!process.env.EMPTY) {
  const wine = findExperiment('wine-quality').experiment_id
  const first = [...runs.values()].find(({ experiment_id }) => experiment_id === findExperiment('digits').experiment_id && runs.size)
  for (let index = 0; index < 137; index += 1) make(index, index % 7 === 6 ? findExperiment('digits').experiment_id : wine, index % 7 === 6 ? first : undefined)
}

function read(trace, { entity, key }) {
  if (entity === 'tags') return trace.tags[key] ?? null
  switch (key) {
    case 'status': case 'state': return trace.state
    case 'name': return trace.name
    case 'timestamp': case 'timestamp_ms': return trace.start_ms
    case 'execution_time': case 'execution_time_ms': return trace.duration_ms
    case 'run_id': return trace.run_id
    default: return null
  }
}

const short = ({ spans: _, runs: __, prompts: ___, ...row }) => row

function list(query) {
  const fits = filter((query.get('filter') ?? '').replaceAll(/\b(trace|request_metadata|metadata)\./g, 'attributes.').replaceAll('attributes.`mlflow.sourceRun`', 'attributes.run_id'), read)
  const experiment = query.get('experiment') ? findExperiment(query.get('experiment'))?.experiment_id : undefined
  const found = traces.filter((trace) => (!query.get('experiment') || trace.experiment_id === experiment) && fits(trace))
  const [column, way] = (query.get('order_by') || 'attributes.timestamp DESC').split(' ')
  const value = (trace) => read(trace, { entity: 'attributes', key: column.replace(/^.*\./, '') }) ?? -1
  found.sort((a, b) => (way === 'ASC' ? value(a) - value(b) : value(b) - value(a)))
  const from = Number(query.get('token') ?? 0)
  const limit = Number(query.get('limit') ?? 100)
  return { items: found.slice(from, from + limit).map(short), next_token: found.length > from + limit ? String(from + limit) : null }
}

/** What a trace does not tell. */
const nothing = { session: null, user: null, run_id: null, input_tokens: null, output_tokens: null, total_tokens: null, cost: null, runs: [], prompts: [] }
const milliseconds = (nanoseconds) => Number(BigInt(nanoseconds) / 1000n) / 1000

/** Spans as OpenTelemetry sends them. */
function take(sent, experiment_id) {
  const values = ({ attributes = [] }) => Object.fromEntries(attributes.map(({ key, value }) => { try { return [key, JSON.parse(value.stringValue)] } catch { return [key, value.stringValue ?? value.intValue ?? null] } }))
  const spans = sent.map((one) => {
    const { 'mlflow.spanInputs': inputs = null, 'mlflow.spanOutputs': outputs = null, 'mlflow.spanType': type = null, ...attributes } = values(one)
    return { span_id: one.spanId, parent_id: one.parentSpanId ?? null, name: one.name, span_type: type, status: ['UNSET', 'OK', 'ERROR'][one.status?.code ?? 0], message: one.status?.message ?? null, start_ms: milliseconds(one.startTimeUnixNano), duration_ms: milliseconds(one.endTimeUnixNano) - milliseconds(one.startTimeUnixNano), inputs, outputs, attributes, events: (one.events ?? []).map((event) => ({ name: event.name, time_ms: milliseconds(event.timeUnixNano), attributes: values(event) })) }
  })
  const root = spans.find(({ parent_id }) => !parent_id) ?? spans[0]
  const there = traces.find(({ trace_id }) => trace_id === `tr-${sent[0].traceId}`)
  if (there) return void there.spans.push(...spans)
  traces.unshift({ trace_id: `tr-${sent[0].traceId}`, experiment_id, name: null, state: root.status === 'ERROR' ? 'ERROR' : 'OK', start_ms: Math.round(root.start_ms), duration_ms: Math.round(root.duration_ms), request_preview: JSON.stringify(root.inputs), response_preview: root.outputs && JSON.stringify(root.outputs), tags: {}, metadata: {}, ...nothing, assessments: [], spans })
}

/** The answer to a request about traces; nothing if it is about something else. */
export function tracing(method, path, query, body, experiment) {
  try {
    if (path === '/api/v1/traces') return { status: 200, body: list(query) }
  } catch (error) {
    const said = problem(error)
    if (said) return { status: 400, body: said }
    throw error
  }
  const one = /^\/api\/v1\/traces\/([^/]+)$/.exec(path)
  if (one) {
    const trace = traces.find(({ trace_id }) => trace_id === decodeURIComponent(one[1]))
    return trace ? { status: 200, body: trace } : { status: 404, body: { error: { code: 'not_found', what: 'there is no such trace' } } }
  }
  if (path === '/api/3.0/mlflow/traces' && method === 'POST') {
    const { trace: { trace_info: info } } = JSON.parse(body.toString())
    if (traces.some(({ trace_id }) => trace_id === info.trace_id)) return { status: 200, body: { trace: { trace_info: info } } }
    traces.unshift({ trace_id: info.trace_id, experiment_id: info.trace_location.mlflow_experiment.experiment_id, name: info.tags?.['mlflow.traceName'] ?? null, state: info.state ?? 'OK', start_ms: Date.parse(info.request_time), duration_ms: Number.parseFloat(info.execution_duration ?? '0') * 1000, request_preview: info.request_preview ?? null, response_preview: info.response_preview ?? null, tags: info.tags ?? {}, metadata: info.trace_metadata ?? {}, ...nothing, assessments: [], spans: [] })
    return { status: 200, body: { trace: { trace_info: info } } }
  }
  if (path === '/v1/traces' && method === 'POST') {
    for (const { scopeSpans } of JSON.parse(body.toString()).resourceSpans) for (const { spans } of scopeSpans) take(spans, experiment)
    return { status: 200, body: {} }
  }
  const judged = /^\/api\/3\.0\/mlflow\/traces\/([^/]+)\/assessments$/.exec(path)
  if (judged && method === 'POST') {
    const trace = traces.find(({ trace_id }) => trace_id === decodeURIComponent(judged[1]))
    if (!trace) return { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST' } }
    const { assessment } = JSON.parse(body.toString())
    trace.assessments.push({ assessment_id: `a-${hex(32)}`, name: assessment.assessment_name, kind: assessment.feedback ? 'feedback' : 'expectation', value: (assessment.feedback ?? assessment.expectation).value, error: null, source_type: assessment.source.source_type, source_id: assessment.source.source_id, rationale: assessment.rationale ?? null, span_id: assessment.span_id ?? null, created_ms: Date.now(), updated_ms: Date.now(), valid: true, metadata: {} })
    return { status: 200, body: { assessment } }
  }
  return undefined
}
