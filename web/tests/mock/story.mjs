/** The state of a home after the demo, as the server would tell it: a fixture for working on the web app. */
import { columns, drift, hex, normal, random, summary, wine } from './wine.mjs'

const now = Date.now()
const minute = 60_000
const start = now - 9 * minute
const cost = (watts) => ({ seconds: watts * 420, cpu_seconds: watts * 700, watt_hours: watts, watt_hours_low: watts * 0.6, watt_hours_high: watts * 1.7, method: 'estimate: cpu time × TDP share + RAM', grams_co2e: watts * 0.48, money: watts * 0.0031, currency: 'EUR' })

// Data
const [red, merged] = [hex(64), hex(64)]
const reds = Array.from({ length: 500 }, () => wine(false))
const whites = Array.from({ length: 500 }, () => wine(true))
const commitOf = (id, parents, message, author, time_ms, rows, files, new_bytes) => ({ id, dataset: 'wine', parents, author, message, time_ms, rows, bytes: rows * 53, new_bytes, files, tree: hex(64), file_count: files.length })
const file = (path, rows, sample) => ({ path, bytes: rows * 53, hash: hex(64), table: { rows, columns: summary(sample) } })
export const commits = [
  commitOf(merged, [red, hex(64)], 'Merge retrain-1: labelled white wines', 'system:runbook', start + 6.2 * minute, 2559, [file('captured-1.csv', 960, whites), file('red.csv', 1599, reds)], 31_822),
  commitOf(red, [], 'Red wines of the UCI table', 'user:demo', start, 1599, [file('red.csv', 1599, reds)], 26_411),
]
const refs = (names) => names.map(([name, commit]) => ({ name, commit, updated_ms: start }))
export const dataset = { name: 'wine', created_ms: start, created_by: 'user:demo', branches: refs([['main', merged], ['retrain-1', merged]]), tags: refs([['v1', red], ['v2', merged]]), commits: 3, latest: commits[0] }
export const sample = { columns: [...columns, 'quality'].map((name) => ({ name, kind: 'number' })), rows: reds.slice(0, 12).map((row) => [...row, 5 + Math.round(random() * 2)]), total: 1599 }

// Runs
const prepared = [hex(64), hex(64)]
const pipelines = [hex(64), hex(64)]
const id = () => `0192${hex(28)}`
export const runs = []
export const histories = {}
for (let index = 0; index < 19; index += 1) {
  const trees = index % 2 === 0
  const second = index >= 12
  const auc = (trees ? 0.838 : 0.812) + normal() * 0.011
  const run_id = id()
  const began = start + (second ? 6.4 : 0.6) * minute + (index % 12) * 2600
  const params = trees
    ? { recipe: 'boosted-trees', seed: '7', iterations: String(60 + index * 9), learning_rate: (0.05 + random() * 0.2).toFixed(3), max_depth: String(3 + (index % 4)), subsample: '0.9' }
    : { recipe: 'mlp', seed: '7', hidden: '[64, 32]', learning_rate: (0.001 + random() * 0.004).toFixed(4), dropout: '0.1', epochs: '80', patience: '12' }
  const watts = 0.004 + random() * 0.03
  const metrics = { val_auc: auc, test_auc: auc - 0.008 + normal() * 0.008, val_log_loss: 0.51 + (0.84 - auc) * 3, val_brier: 0.169 + (0.84 - auc), val_accuracy: 0.74 + (auc - 0.82), seconds: 0.8 + random() * 3, watt_hours: watts, grams_co2e: watts * 0.48 }
  runs.push({
    run_id,
    name: `${trees ? 'boosted-trees' : 'mlp'}-${String(index + 1).padStart(2, '0')}`,
    experiment_id: '1',
    experiment: 'wine-quality',
    status: 'FINISHED',
    user: second ? 'system:runbook' : 'user:demo',
    start_ms: began,
    end_ms: began + 1200 + random() * 3000,
    metrics,
    params,
    tags: { 'ropewalk.cost': JSON.stringify(cost(watts)), 'ropewalk.trial': String(index + 1) },
    dataset: `wine@${second ? merged : red}`,
    prepared: prepared[Number(second)],
    pipeline: pipelines[Number(second)],
    code: 'ropewalk 0.1.0',
    environment: { os: 'linux', machine: 'x86_64', threads: '2' },
    artifact_uri: `mlflow-artifacts:/1/${run_id}/artifacts`,
  })
  const steps = trees ? 60 : 48
  const curve = (from, to, wobble, rate) => Array.from({ length: steps }, (_, step) => ({ step, timestamp: began + step * 30, value: to + (from - to) * Math.exp(-step / rate) + normal() * wobble }))
  histories[run_id] = [
    { key: 'train_auc', points: curve(0.6, Math.min(0.97, auc + 0.07), 0.002, 9) },
    { key: 'train_log_loss', points: curve(0.69, 0.36, 0.003, 12) },
    { key: 'val_auc', points: curve(0.58, auc, 0.004, 8) },
    { key: 'val_log_loss', points: curve(0.69, metrics.val_log_loss, 0.004, 9) },
    { key: 'test_auc', points: [{ step: 0, timestamp: began, value: metrics.test_auc }] },
  ]
}
runs.reverse()
runs.unshift({ ...runs[4], run_id: id(), name: 'mlflow-client-run', experiment: 'default', experiment_id: '0', status: 'RUNNING', end_ms: null, start_ms: now - 20_000, metrics: { loss: 0.43 }, params: { lr: '0.01' }, tags: {}, user: 'ann' })
const best = runs.find(({ user, params }) => user === 'user:demo' && params.recipe === 'boosted-trees')
const better = runs.find(({ user, params }) => user === 'system:runbook' && params.recipe === 'boosted-trees')

// Models
const bundles = [hex(64), hex(64), hex(64)]
const signature = { inputs: columns.map((name) => ({ name, type: 'double' })), outputs: [{ name: 'probability', type: 'float' }] }
const gates = (auc, forced) => [
  { gate: 'auc_floor', metric: 'val_auc', minimum: 0.75, passed: !forced, observed: auc, message: forced ? `val_auc ${auc.toFixed(4)} is below 0.75` : `val_auc ${auc.toFixed(4)} is at least 0.75` },
  { gate: 'parity', tolerance: 1e-6, passed: true, observed: 0, message: 'batch and single-row preprocessing of 200 rows give the same numbers' },
]
export const versions = [
  { version: 1, run: best, aliases: [], by: 'user:demo', at: 1.5, auc: best.metrics.val_auc },
  { version: 2, run: better, aliases: ['champion'], by: 'system:runbook', at: 6.9, auc: better.metrics.val_auc },
  { version: 3, run: runs[3], aliases: [], by: 'user:someone', at: 7.8, auc: 0.7213, forced: true },
].map(({ version, run, aliases, by, at, auc, forced = false }) => ({
  name: 'wine-quality', version, created_ms: start + at * minute, updated_ms: start + at * minute, actor: by, description: null, source: `runs:/${run.run_id}/model`, storage_location: null, run_id: run.run_id, run_link: null, model_id: null, stage: 'None', status: 'READY', status_message: null, tags: {}, aliases, gates: gates(auc, forced), forced, bundle_hash: bundles[version - 1],
  bundle: { runtime: 'trees', recipe: 'boosted-trees', params: {}, pipeline_hash: pipelines[0], target: { column: 'quality', operator: '>=', value: 6 }, signature, input_example: Object.fromEntries(columns.map((name, place) => [name, reds[0][place]])), reference: { rows: 950, auc }, weights_bytes: 81_000 },
}))
export const model = { name: 'wine-quality', description: 'Is a wine rated 6 or better?', created_ms: start, updated_ms: now, tags: {}, aliases: { champion: 2 }, latest_version: 3 }

// Serving
const revision = (number, percent, by, at) => ({ endpoint: 'wine', revision: number, model: 'wine-quality', version: number, bundle_hash: bundles[number - 1], percent, created_ms: start + at * minute, created_by: by })
const revisions = [revision(1, 0, 'user:demo', 1.6), revision(2, 100, 'system:runbook', 7), revision(3, 0, 'user:someone', 7.9)]
const figures = { requests: 4821, rows: 6120, refused: 2, failures: 0, log_failures: 0, requests_per_second: 18.4, p50_ms: 1.36, p99_ms: 5.9 }
const change = (sequence, at, kind, actor, reason, ...percents) => ({ sequence, time_ms: start + at * minute, kind, actor, reason, shares: percents.map((percent, index) => ({ revision: index + 1, percent })) })
export const endpoint = {
  name: 'wine', require_log: true, created_ms: start + 1.6 * minute, created_by: 'user:demo', revisions, ready: true, figures,
  changes: [
    change(7, 8.3, 'rollback', 'system:rollout', 'Brier loss of the canary is surely higher', 0, 100, 0),
    change(6, 8, 'traffic', 'system:rollout', 'step 1 of 3', 0, 90, 10),
    change(5, 7.6, 'traffic', 'system:rollout', 'step 3 of 3', 0, 100),
    change(4, 7.3, 'traffic', 'system:rollout', 'step 2 of 3', 50, 50),
    change(3, 7.1, 'traffic', 'system:rollout', 'step 1 of 3', 90, 10),
    change(1, 1.6, 'deploy', 'user:demo', '', 100),
  ],
}
export const served = { endpoint: 'wine', revisions: revisions.map(({ revision: number, percent, version, bundle_hash }) => ({ revision: number, model: 'wine-quality', version, percent, loaded: number > 1, bundle_hash, requests: [2210, 2480, 131][number - 1], problem: null })), generation: 9, checked_ms: now, process_id: 4711 }
export function statistics() {
  const series = Array.from({ length: 60 }, (_, index) => {
    const busy = index > 12 && index < 57 && !(index > 32 && index < 38)
    const rate = busy ? Math.max(1, 18 + 9 * Math.sin(index / 5) + normal() * 3) : 0
    return { time_ms: now - (60 - index) * 10_000, requests: Math.round(rate * 10), failures: 0, requests_per_second: rate, p50_ms: busy ? 1.3 + random() * 0.3 : null, p99_ms: busy ? 4 + random() * 4 : null }
  })
  return { endpoint: 'wine', time_ms: now, total: figures, revisions: served.revisions.map(({ revision: number, requests }) => ({ revision: number, figures: { ...figures, requests }, series: [] })), series }
}
export const predictions = Array.from({ length: 60 }, (_, index) => {
  const row = wine(true)
  const score = 1 / (1 + Math.exp(-(row[10] - 10.4) * 1.3 - normal() * 0.4))
  return { prediction_id: id(), time_ms: now - (60 - index) * 1700, revision: index % 11 === 3 ? 3 : 2, model: 'wine-quality', version: index % 11 === 3 ? 3 : 2, latency_us: 700 + random() * 2500, score, value: index < 45 ? Math.round(Math.min(8, Math.max(4, 5 + score * 2 + normal() * 0.6))) : null, error: null, inputs: Object.fromEntries(columns.map((name, place) => [name, row[place]])) }
})

// Watching
const scoresThen = Array.from({ length: 400 }, () => Math.min(1, Math.max(0, 0.52 + normal() * 0.25)))
const scoresNow = Array.from({ length: 400 }, () => Math.min(1, Math.max(0, 0.66 + normal() * 0.2)))
const drifts = columns.map((name, place) => drift(name, reds.map((row) => row[place]), whites.map((row) => row[place])))
const calm = columns.map((name, place) => drift(name, reds.slice(0, 250).map((row) => row[place]), reds.slice(250).map((row) => row[place])))
export const reports = Array.from({ length: 34 }, (_, index) => {
  const at = start + 1.8 * minute + index * 13_000
  const [bad, second] = [index > 10 && index < 24, index >= 24]
  const auc = bad ? 0.742 + normal() * 0.008 + (index === 11 ? 0.05 : 0) : second ? 0.821 + normal() * 0.006 : 0.829 + normal() * 0.008
  return { id: id(), endpoint: 'wine', revision: second ? 2 : 1, model: 'wine-quality', version: second ? 2 : 1, created_ms: at, rows: 500, labelled: 180 + index * 9, share_drifted: bad ? (index === 11 ? 0.545 : 0.727 + (index % 3) * 0.09) : 0, prediction_effect: bad ? 0.31 : 0.06 + random() * 0.04, realised_auc: auc, realised_auc_low: auc - 0.03, realised_auc_high: auc + 0.03, reference_auc: second ? 0.831 : 0.842, brier: bad ? 0.221 : 0.172, status: bad ? 'alert' : index === 10 ? 'warning' : 'ok' }
}).reverse()
const alarm = reports.find(({ status, created_ms }) => status === 'alert' && created_ms < start + 4.6 * minute) ?? reports[15]
export function report(wanted) {
  const found = reports.find((one) => one.id.startsWith(wanted))
  if (!found) return undefined
  const bad = found.status === 'alert'
  const list = bad ? drifts : calm
  return {
    ...found, window: {}, from_ms: found.created_ms - minute, to_ms: found.created_ms, columns: list,
    prediction_drift: drift('score', scoresThen, bad ? scoresNow : scoresThen.map((score) => Math.min(1, Math.max(0, score + normal() * 0.02)))),
    positive_share: bad ? 0.67 : 0.54, mean_score: bad ? 0.66 : 0.53,
    findings: bad ? [`${list.filter(({ drifted }) => drifted).length} of 11 columns drifted; the most: total sulfur dioxide (effect 0.83), chlorides (0.77)`, 'realised AUC 0.742 is surely below the reference 0.842 less 0.05'] : ['no column drifted; realised AUC is as at registration'],
    alerts: bad ? [{ kind: 'data_drift' }, { kind: 'quality_drop' }] : [],
  }
}
export const monitor = { enabled: true, interval_seconds: 5, window_rows: 500, drift_share: 0.5, auc_drop: 0.05, material_effect: 0.25 }

// Responding
const ids = { first: id(), second: id(), retrain: id(), roll: id(), back: id(), alerts: [id(), id()] }
const readBack = (at, shares) => ({ checked_ms: start + at * minute, traffic: shares.map(([number, percent]) => ({ revision: number, model: 'wine-quality', version: number, percent, loaded: true, bundle_hash: bundles[number - 1] })), proven: true, text: shares.map(([number, percent]) => `revision ${number} serves ${percent} %`).join(', ') })
const judgement = (verdict, text, canary, stable) => ({ verdict, basis: 'outcomes', text, canary_outcomes: 64, stable_outcomes: 210, pairs: 64, canary_brier: canary, stable_brier: stable, lower: -0.05, upper: 0.03 })
const step = (percent, status, at, back, judged) => ({ percent, status, started_ms: at ? start + at * minute : null, ended_ms: at ? start + (at + 0.2) * minute : null, read_back: back, judgement: judged })
const rolloutOf = (given) => ({ endpoint: 'wine', model: 'wine-quality', stable_model: 'wine-quality', settings: {}, ended_ms: now, first_canary_ms: start, harm_ms: null, restored_ms: null, rollback_seconds: null, exposure_seconds: null, final_read_back: null, failed_requests: 0, ...given })
export const rollouts = [
  rolloutOf({ id: ids.back, revision: 3, stable_revision: 2, version: 3, stable_version: 2, status: 'rolled_back', current: 0, incident: ids.second, actor: 'user:someone', reason: 'harm: the canary’s mean Brier loss is surely above the stable one’s', started_ms: start + 7.9 * minute, rollback_seconds: 0.21, exposure_seconds: 4.7, steps: [step(10, 'harmed', 8, readBack(8, [[2, 90], [3, 10]]), judgement('harm', 'Brier loss 0.402 against 0.171: the difference is surely above 0', 0.402, 0.171)), step(50, 'skipped'), step(100, 'skipped')] }),
  rolloutOf({ id: ids.roll, revision: 2, stable_revision: 1, version: 2, stable_version: 1, status: 'completed', current: 2, incident: ids.first, actor: 'system:runbook', reason: 'at 100 %, proven by read-back', started_ms: start + 7.1 * minute, steps: [step(10, 'passed', 7.1, readBack(7.1, [[1, 90], [2, 10]]), judgement('pass', 'surely not worse: at most 0.031 above', 0.168, 0.214)), step(50, 'passed', 7.3, readBack(7.3, [[1, 50], [2, 50]]), judgement('pass', 'surely not worse: at most 0.004 above', 0.17, 0.217)), step(100, 'passed', 7.6, readBack(7.6, [[2, 100]]), judgement('pass', 'surely better', 0.171, 0.217))] }),
]
const alert = (key, severity, text, place) => ({ id: ids.alerts[place], key, severity, text, report: alarm.id, first_ms: alarm.created_ms, last_ms: alarm.created_ms + minute, count: 4, cleared_ms: null })
export const incidents = [
  { id: ids.second, number: 2, title: 'Roll-out of wine-quality/3 taken back: the canary’s answers were worse', endpoint: 'wine', kind: 'bad_release', status: 'resolved', priority: 'P2', opened_ms: start + 8.3 * minute, acknowledged_ms: null, resolved_ms: start + 8.31 * minute, owner: 'system:rollout', model: 'wine-quality', version: 3, revision: 3, alerts: [], cause: 'version 3 was trained with one column in another unit', resolution: 'revision 2 has all traffic again, proven by read-back', evidence: { canary_brier: 0.402, stable_brier: 0.171, failed_requests: 0 }, runbooks: [], rollouts: [ids.back], cost: cost(0.002), postmortem: 'incidents/2/postmortem.md' },
  { id: ids.first, number: 1, title: 'wine: inputs drifted and realised quality fell', endpoint: 'wine', kind: 'monitoring', status: process.env.OPEN ? 'triggered' : 'resolved', priority: 'P1', opened_ms: alarm.created_ms, acknowledged_ms: start + 6 * minute, resolved_ms: process.env.OPEN ? null : start + 7.7 * minute, owner: 'system:runbook', model: 'wine-quality', version: 1, revision: 1, alerts: [alert('wine/quality_drop', 'critical', 'realised AUC 0.742 (0.712 to 0.772) against 0.842 at registration', 0), alert('wine/data_drift', 'warning', '9 of 11 columns drifted', 1)], cause: 'the inputs changed, not the code', resolution: 'version 2, trained on the labelled white wines, serves all traffic; AUC 0.821', evidence: { report: alarm.id }, runbooks: [ids.retrain], rollouts: [ids.roll], cost: cost(0.31), postmortem: 'incidents/1/postmortem.md' },
]
const bookStep = (name, title, command, text, at, outputs = []) => ({ name, title, command, status: 'done', text, outputs, facts: {}, started_ms: start + at * minute, ended_ms: start + (at + 0.08) * minute })
export const runbooks = [
  { id: ids.retrain, number: 1, name: 'retrain', incident: ids.first, endpoint: 'wine', status: 'done', dry_run: false, parameters: {}, actor: 'user:demo', started_ms: start + 6 * minute, ended_ms: start + 7.7 * minute, cost: cost(0.31), steps: [
    bookStep('export', 'Collect the captured, labelled requests', 'ropewalk watch export wine --labelled', '960 rows since the drift began; 240 held out for the replay', 6),
    bookStep('commit', 'Commit them on a branch and merge', 'ropewalk data commit wine captured-1.csv --branch retrain-1', 'branch retrain-1 merged into main, tagged v2', 6.1, [`dataset:wine@${merged}`]),
    bookStep('prepare', 'Prepare', "ropewalk prep run wine@v2 --target 'quality >= 6'", '2,319 rows, pipeline fitted anew', 6.3, [`prepared:${prepared[1]}`]),
    bookStep('train', 'Sweep 6 trials', 'ropewalk run sweep PREPARED --trials 6', 'best: boosted-trees, validation AUC 0.836', 6.4, [`run:${better.run_id}`]),
    bookStep('register', 'Register behind the gates', 'ropewalk model register wine-quality --run RUN', 'version 2, 2 gates passed', 6.9, ['model:wine-quality/2']),
    bookStep('replay', 'Replay the held-out requests against the champion', 'ropewalk model replay wine-quality/2', 'AUC 0.819 against 0.744 of version 1', 6.95),
    bookStep('rollout', 'Roll out 10, 50, 100 %', 'ropewalk endpoint rollout wine 2', 'completed, every step read back', 7.1, ['revision:wine/2']),
    bookStep('resolve', 'Resolve the incident', 'ropewalk incident resolve 1', 'resolved, post-mortem written', 7.7),
  ] },
]
export const why = {
  subject: `incident:${ids.first}`, good: { label: 'wine-quality/1 as trained (wine@v1)', references: [], time_ms: start }, bad: { label: 'the last 500 requests of wine', references: [], time_ms: now },
  differences: [
    { aspect: 'data', name: 'share of positives', before: '0.54', after: '0.67', effect_size: null, text: '' },
    ...drifts.filter(({ drifted }) => drifted).sort((a, b) => b.effect_size - a.effect_size).map((one) => ({ aspect: 'column', name: one.name, before: `mean ${one.mean_reference.toPrecision(3)}`, after: `mean ${one.mean_current.toPrecision(3)}`, effect_size: Math.abs(one.mean_shift), text: `${one.name} moved ${one.direction}` })),
  ],
  unchanged: ['code', 'pipeline', 'params', 'environment', 'model'], unknown: [], columns_compared: 11, columns_differ: drifts.filter(({ drifted }) => drifted).length,
  verdict: 'The world changed, not the code: 9 of 11 input columns differ from the training data, total sulfur dioxide most, and the realised AUC fell from 0.842 to 0.742.',
}
export const postmortem = (number) => ({ incident: String(number), number, path: `incidents/${number}/postmortem.md`, draft: false, markdown: `# Incident ${number}: wine: inputs drifted and realised quality fell\n\n| | |\n|---|---|\n| Endpoint | wine |\n| Priority | P1 |\n| Opened | 2026-11-23T21:12:04.113Z |\n\n## What was seen\n\n- **critical**: realised AUC 0.742 against 0.842\n- **warning**: 9 of 11 columns drifted\n\n## Cause\n\nThe world changed, not the code.\n\n| | what | before | after | effect |\n|---|---|---|---|---|\n| columns | total sulfur dioxide | 46.5 | 138.4 | 2.80 |\n| columns | chlorides | 0.087 | 0.046 | 0.87 |\n\n## What was done\n\nRunbook \`retrain\` (done), started by user:demo:\n\n1. **Collect the captured, labelled requests** done: 960 rows\n1. **Roll out 10, 50, 100 %** done\n\n## Follow-ups\n\n- [ ] Decide whether white wines belong in the training data for good\n` })

// The journal
let seq = 0
const entry = (at, actor, verb, subject, facts = {}, inputs = [], outputs = []) => ({ seq: (seq += 1), time_ms: start + at * minute, actor, verb, subject, inputs, outputs, facts, previous: hex(64), hash: hex(64) })
const commitRef = (commit) => `dataset:wine@${commit}`
export const journal = [
  entry(0, 'user:demo', 'commit', commitRef(red), { message: 'Red wines of the UCI table', rows: 1599 }),
  entry(0.1, 'user:demo', 'tag', commitRef(red), { tag: 'v1' }),
  entry(0.2, 'user:demo', 'validate', commitRef(red), { passed: true, duplicates: 240 }, [commitRef(red)]),
  entry(0.3, 'user:demo', 'prepare', `prepared:${prepared[0]}`, { train: 951, validation: 204, test: 204 }, [commitRef(red)], [`prepared:${prepared[0]}`, `pipeline:${pipelines[0]}`]),
  ...runs.filter(({ user }) => user === 'user:demo').slice(0, 6).map((run, index) => entry(0.6 + index * 0.05, 'user:demo', 'run.finish', `run:${run.run_id}`, { recipe: run.params.recipe, metrics: run.metrics }, [`prepared:${prepared[0]}`, `pipeline:${pipelines[0]}`])),
  entry(1.5, 'user:demo', 'gate', 'model:wine-quality/1', { passed: true, model: 'wine-quality' }, [`run:${best.run_id}`]),
  entry(1.5, 'user:demo', 'register', 'model:wine-quality/1', { version: 1 }, [`run:${best.run_id}`, `pipeline:${pipelines[0]}`]),
  entry(1.55, 'user:demo', 'alias', 'model:wine-quality/1', { alias: 'champion' }),
  entry(1.6, 'user:demo', 'deploy', 'revision:wine/1', { model: 'wine-quality', version: 1, percent: 100 }, ['model:wine-quality/1'], ['revision:wine/1', 'endpoint:wine']),
  entry(2.5, 'system:monitor', 'drift', `report:${reports.at(-3).id}`, { status: 'ok', share_drifted: 0, realised_auc: 0.829 }, ['endpoint:wine'], [`report:${reports.at(-3).id}`]),
  entry(4.4, 'system:monitor', 'drift', `report:${alarm.id}`, { status: 'alert', share_drifted: 0.82, realised_auc: 0.742 }, ['endpoint:wine', 'revision:wine/1', 'model:wine-quality/1'], [`report:${alarm.id}`]),
  entry(4.41, 'system:monitor', 'alert.fire', `alert:${ids.alerts[0]}`, { title: 'wine answers worse than at registration', text: 'realised AUC 0.742 (0.712 to 0.772) against 0.842 at registration' }, [`report:${alarm.id}`], [`alert:${ids.alerts[0]}`]),
  entry(4.42, 'system:respond', 'incident.open', `incident:${ids.first}`, { number: 1, title: 'wine: inputs drifted and realised quality fell' }, [`alert:${ids.alerts[0]}`], [`incident:${ids.first}`]),
  entry(6, 'user:demo', 'action', `incident:${ids.first}`, { text: 'runbook retrain started' }),
  entry(6.2, 'system:runbook', 'merge', commitRef(merged), { from: 'retrain-1' }, [commitRef(red)], [commitRef(merged)]),
  entry(6.3, 'system:runbook', 'prepare', `prepared:${prepared[1]}`, { train: 1622, validation: 348, test: 349 }, [commitRef(merged)], [`prepared:${prepared[1]}`, `pipeline:${pipelines[1]}`]),
  entry(6.8, 'system:runbook', 'run.finish', `run:${better.run_id}`, { recipe: 'boosted-trees', metrics: better.metrics }, [`prepared:${prepared[1]}`, `pipeline:${pipelines[1]}`]),
  entry(6.9, 'system:runbook', 'register', 'model:wine-quality/2', { version: 2 }, [`run:${better.run_id}`, `pipeline:${pipelines[1]}`]),
  entry(7, 'system:runbook', 'deploy', 'revision:wine/2', { model: 'wine-quality', version: 2, percent: 0 }, ['model:wine-quality/2'], ['revision:wine/2', 'endpoint:wine']),
  entry(7.1, 'system:rollout', 'traffic', 'endpoint:wine', { reason: 'step 1 of 3: 10 % to revision 2' }, ['revision:wine/2']),
  entry(7.1, 'system:rollout', 'readback', 'endpoint:wine', { proven: true, text: 'revision 1 serves 90 %, revision 2 serves 10 %' }),
  entry(7.6, 'system:rollout', 'traffic', 'endpoint:wine', { reason: 'step 3 of 3: 100 % to revision 2' }, ['revision:wine/2']),
  entry(7.6, 'system:rollout', 'readback', 'endpoint:wine', { proven: true, text: 'revision 2 serves 100 %' }),
  entry(7.65, 'system:runbook', 'alias', 'model:wine-quality/2', { alias: 'champion' }),
  entry(7.7, 'system:runbook', 'incident.resolve', `incident:${ids.first}`, { text: 'version 2 serves all traffic; AUC 0.821' }),
  entry(7.7, 'system:respond', 'postmortem', `incident:${ids.first}`, { text: 'post-mortem of incident 1 written' }),
  entry(7.8, 'user:someone', 'register', 'model:wine-quality/3', { version: 3, forced: true }, [`run:${runs[3].run_id}`]),
  entry(7.9, 'user:someone', 'deploy', 'revision:wine/3', { model: 'wine-quality', version: 3, percent: 0 }, ['model:wine-quality/3'], ['revision:wine/3', 'endpoint:wine']),
  entry(8, 'system:rollout', 'traffic', 'endpoint:wine', { reason: 'step 1 of 3: 10 % to revision 3' }, ['revision:wine/3']),
  entry(8.3, 'system:rollout', 'rollback', 'endpoint:wine', { reason: 'the canary’s mean Brier loss is surely higher' }, ['revision:wine/2']),
  entry(8.3, 'system:rollout', 'readback', 'endpoint:wine', { proven: true, text: 'revision 2 serves 100 %' }),
  entry(8.31, 'system:rollout', 'incident.open', `incident:${ids.second}`, { number: 2, title: 'Roll-out of wine-quality/3 taken back' }),
]

const kinds = { drift: 'alert', 'alert.fire': 'alert', 'incident.open': 'incident', 'incident.resolve': 'incident', postmortem: 'incident', action: 'action', merge: 'data', prepare: 'model', 'run.finish': 'model', register: 'model', alias: 'model', deploy: 'delivery', traffic: 'delivery', rollback: 'delivery', readback: 'proof' }
export function timeline(incident) {
  const [from, until] = incident.number === 1 ? [4.3, 7.75] : [7.75, 9]
  return journal
    .filter(({ time_ms }) => time_ms >= start + from * minute && time_ms <= start + until * minute)
    .map((one) => ({ seq: one.seq, time_ms: one.time_ms, offset_seconds: (one.time_ms - incident.opened_ms) / 1000, actor: one.actor, verb: one.verb, kind: kinds[one.verb] ?? 'other', subject: one.subject, facts: one.facts, text: one.facts.text ?? one.facts.title ?? one.facts.reason ?? `${one.verb.replace('.', ' ')} ${one.subject.slice(0, 40)}` }))
}

export function lineage(of, direction = 'both') {
  const edges = journal.flatMap(({ inputs, outputs, subject, verb, seq: number }) => inputs.flatMap((from) => (outputs.length ? outputs : [subject]).filter((to) => to !== from).map((to) => ({ from, to, verb, seq: number }))))
  const distance = new Map([[of, 0]])
  for (const [near, far, sign] of [['to', 'from', -1], ['from', 'to', 1]]) {
    if (direction === (sign < 0 ? 'downstream' : 'upstream')) continue
    const queue = [[of, 0]]
    const seen = new Set([of])
    while (queue.length) {
      const [at, steps] = queue.shift()
      for (const edge of edges) {
        if (edge[near] !== at || seen.has(edge[far])) continue
        seen.add(edge[far])
        if (!distance.has(edge[far])) distance.set(edge[far], sign * (steps + 1))
        queue.push([edge[far], steps + 1])
      }
    }
  }
  return { of, nodes: [...distance].map(([reference, steps]) => ({ reference, distance: steps })), edges: edges.filter(({ from, to }) => distance.has(from) && distance.has(to)), truncated: false }
}

export const ledger = { entries: 40, total: cost(1.42), money: { EUR: 0.0044 }, by_activity: [], by_subject: [] }
export const jobs = process.env.OPEN ? [{ id: id(), kind: 'sweep', actor: 'user:ann', state: 'running', done: 7, total: 12, message: 'trial 8 of 12: boosted-trees', started_ms: now - 14_000 }] : []
