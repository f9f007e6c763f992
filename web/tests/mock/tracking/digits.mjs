/** An experiment as a deep-learning team would have it: nested runs, histories, pictures, sound, tables, one run under way. */
import { normal, random, hex } from '../wine.mjs'
import { digit, png, text, wav } from './media.mjs'
import { addExperiment, addRun, changed, Run } from './store.mjs'

const now = Date.now()
const minute = 60_000

function curve(steps, began, pace, value) {
  return Array.from({ length: steps }, (_, step) => ({ step, timestamp: began + step * pace, value: value(step) }))
}

function artifacts(index) {
  const files = new Map()
  for (const [which, key] of [[2, 'samples/two'], [5, 'samples/five'], [0, 'samples/zero']]) {
    for (const step of [0, 40, 80, 120, 160]) {
      const stem = `images/${key.replace('/', '~')}+step+${step}+timestamp+${now - (200 - step) * 1000}+${hex(8)}-${hex(4)}`
      const image = digit(which, Math.min(0.97, 0.15 + step / 180), random)
      files.set(`${stem}.png`, image)
      files.set(`${stem}+compressed.webp`, image)
    }
  }
  files.set('audio/tone.wav', wav(330 + index * 20, 1.2))
  files.set('predictions.json', text(JSON.stringify({ columns: ['image', 'truth', 'predicted', 'probability'], data: Array.from({ length: 60 }, (_, row) => [`test/${row}.png`, row % 10, (row * 7) % 23 === 0 ? (row + 3) % 10 : row % 10, Number((0.5 + random() / 2).toFixed(4))]) })))
  files.set('report.md', text('# Error analysis\n\nMost errors are **fours** taken for nines.\n\n| pair | errors |\n|---|---|\n| 4 → 9 | 31 |\n| 3 → 5 | 12 |\n\n- look at `predictions.json`\n- the rest is noise\n'))
  files.set('config/model.json', text(JSON.stringify({ layers: [{ kind: 'conv', channels: 32 }, { kind: 'conv', channels: 64 }, { kind: 'dense', units: 128 }], dropout: 0.2, optimizer: { name: 'adam', betas: [0.9, 0.999] } })))
  files.set('config/classes.csv', text(`class,rows,share\n${Array.from({ length: 10 }, (_, one) => `${one},${5421 + one * 37},${(0.1 + one / 1000).toFixed(3)}`).join('\n')}\n`))
  files.set('logs/train.log', text(Array.from({ length: 40 }, (_, step) => `step ${step * 5} loss ${(2.3 * Math.exp(-step / 12)).toFixed(4)}`).join('\n')))
  files.set('figures/confusion.png', png(120, 120, (x, y) => { const same = Math.floor(x / 12) === Math.floor(y / 12); return same ? [92, 200, 189] : [16 + ((x * y) % 20), 21, 24] }))
  files.set('model/MLmodel', text('artifact_path: model\nflavors:\n  pytorch:\n    model_data: data\n    pytorch_version: 2.4.0\n'))
  files.set('model/data/model.pth', Buffer.alloc(40_000, 7))
  return files
}

function system(began, steps) {
  const wave = (middle, spread, rate) => curve(steps, began, 10_000, (step) => Math.max(0, middle + spread * Math.sin(step / rate) + normal() * spread * 0.2))
  return {
    'system/cpu_utilization_percentage': wave(62, 20, 6),
    'system/system_memory_usage_megabytes': curve(steps, began, 10_000, (step) => 4200 + step * 12 + normal() * 20),
    'system/gpu_0_utilization_percentage': wave(88, 8, 4),
    'system/gpu_0_memory_usage_megabytes': wave(7100, 60, 9),
    'system/network_receive_megabytes': curve(steps, began, 10_000, (step) => step * 1.7),
    'system/disk_usage_percentage': wave(41, 0.5, 9),
  }
}

function train(experiment, index, given) {
  const { parent, began, rate, width, dropout, steps = 200, status = 'FINISHED' } = given
  const skill = 0.985 - Math.abs(Math.log10(rate) + 2.9) * 0.03 - dropout * 0.03 + normal() * 0.003
  const wobble = 0.01 + rate
  const fall = (from, to, pace) => (step) => to + (from - to) * Math.exp(-step / pace) + normal() * wobble * Math.exp(-step / 90)
  const loss = curve(steps, began, 1500, fall(2.3, (1 - skill) * 2, 22 / (rate * 500 + 0.4)))
  if (given.diverged) for (const point of loss) if (point.step > 120) point.value = NaN
  const metrics = {
    'train/loss': loss,
    'val/loss': curve(steps / 5, began, 7500, fall(2.1, (1 - skill) * 2.6, 5)).map((point) => ({ ...point, step: point.step * 5 })),
    'val/accuracy': curve(steps / 5, began, 7500, (step) => skill - (skill - 0.1) * Math.exp(-step / 5) + normal() * 0.004).map((point) => ({ ...point, step: point.step * 5 })),
    lr: curve(steps, began, 1500, (step) => rate * (0.5 + 0.5 * Math.cos((step / steps) * Math.PI))),
    test_accuracy: [{ step: 0, timestamp: began + steps * 1500, value: skill - 0.003 }],
    ...system(began, 30),
  }
  return addRun(new Run(experiment.experiment_id, given.name, {
    status, start_ms: began, end_ms: status === 'RUNNING' ? null : began + steps * 1500, user: index % 3 ? 'ada' : 'grace', metrics,
    params: { lr: String(rate), width: String(width), dropout: String(dropout), optimizer: index % 4 === 3 ? 'sgd' : 'adam', batch_size: String([32, 64, 128][index % 3]), seed: '7', model: 'cnn' },
    tags: {
      ...(parent ? { 'mlflow.parentRunId': parent.run_id } : {}),
      'mlflow.source.name': 'train.py', 'mlflow.source.type': 'LOCAL', 'mlflow.user': index % 3 ? 'ada' : 'grace', 'mlflow.runName': given.name,
      'mlflow.source.git.commit': hex(40), 'mlflow.source.git.branch': 'digits', 'mlflow.source.git.repoURL': 'https://github.com/example/digits.git',
      'mlflow.source.git.diff': 'diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -12,3 +12,3 @@ def train(model):\n-    lr = 0.01\n+    lr = 0.003\n     optimizer = Adam(model, lr)\n',
      'mlflow.note.content': index === 0 ? '## What this sweep asks\n\nWhether a **wider** network needs a *smaller* learning rate.\n\n- 12 trials\n- see [the report](https://example.com/digits)\n' : '',
      'mlflow.loggedArtifacts': JSON.stringify([{ path: 'predictions.json', type: 'table' }]), team: index % 2 ? 'vision' : 'platform',
    },
    inputs: [{ dataset: { name: 'mnist', digest: 'b3f1c2a9', source_type: 'http', source: JSON.stringify({ url: 'https://example.com/mnist.npz' }), schema: null, profile: JSON.stringify({ num_rows: 60000 }) }, tags: [{ key: 'mlflow.data.context', value: 'training' }] }],
    models: [{ model_id: `m-${hex(32)}`, step: 0 }],
    files: index < 3 || status === 'RUNNING' ? artifacts(index) : new Map(),
  }))
}

export function digits() {
  const experiment = addExperiment('digits', { team: 'vision' }, now - 300 * minute)
  let index = 0
  for (let sweep = 0; sweep < 2; sweep += 1) {
    const began = now - (140 - sweep * 60) * minute
    const parent = train(experiment, index, { name: `sweep-${sweep + 1}`, began, rate: 0.001, width: 64, dropout: 0.2, steps: 10 })
    index += 1
    for (let trial = 0; trial < 12; trial += 1, index += 1) {
      train(experiment, index, { name: `trial-${sweep + 1}-${String(trial + 1).padStart(2, '0')}`, parent, began: began + trial * 4 * minute, rate: Number((10 ** (-3.8 + random() * 1.9)).toPrecision(2)), width: [32, 64, 128][trial % 3], dropout: [0, 0.1, 0.2, 0.4][trial % 4], status: trial === 7 ? 'FAILED' : 'FINISHED', diverged: trial === 7 })
    }
  }
  const live = train(experiment, index, { name: 'wide-net', began: now - 3 * minute, rate: 0.0012, width: 256, dropout: 0.1, steps: 120, status: 'RUNNING' })
  // It goes on for as long as somebody looks.
  setInterval(() => {
    const last = live.history('train/loss').at(-1)
    live.log('train/loss', Math.max(0.02, last.value * 0.995 + normal() * 0.01), last.step + 1, Date.now())
    if ((last.step + 1) % 5 === 0) live.log('val/accuracy', 0.97 + normal() * 0.003, last.step + 1, Date.now())
    changed()
  }, 2000).unref()
  return experiment
}
