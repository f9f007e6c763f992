/** Addresses of MLflow's web app. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const { fromMlflow } = await load('lib/mlflow-links.ts')

export const tests = {
  'links that MLflow prints lead to the page that shows the same'() {
    for (const [hash, expected] of [
      ['#/experiments/1', '/runs?experiment=1'],
      ['#/experiments/1/runs/abc', '/runs/abc'],
      ['#/experiments/1/runs/abc/artifacts', '/runs/abc'],
      ['#/experiments/1/overview', '/runs?experiment=1'],
      ['#/experiments/1/traces', '/traces?experiment=1'],
      ['#/experiments/1/traces?selectedEvaluationId=tr-1', '/traces/tr-1'],
      ['#/experiments', '/experiments'],
      ['#/models', '/models'],
      ['#/models/a%20b/versions/3', '/models/a%20b/3'],
      ['#/prompts/p', '/models/p'],
      ['#/compare-runs?runs=["a","b"]&experiments=["1"]', '/compare?runs=a,b'],
      ['#/compare-runs?runs=[', '/compare'],
      ['#/', '/'],
      ['#content', undefined],
      ['', undefined],
      ['#/nonsense', undefined],
    ])
      assert.equal(fromMlflow(hash), expected, hash)
  },
}
