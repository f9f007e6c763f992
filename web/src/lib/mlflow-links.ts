/**
 * The addresses that MLflow's client prints and people have kept are fragments of MLflow's own web app, such as
 * `/#/experiments/1/runs/ID`: each leads to the page of ours that shows the same.
 */
export function fromMlflow(hash: string): string | undefined {
  const text = hash.replace(/^#/, '')
  if (!text.startsWith('/')) return undefined
  const [path = '', query = ''] = text.split('?', 2)
  const parts = path.split('/').filter(Boolean)
  const asked = new URLSearchParams(query)
  const traces = (experiment: string | undefined) => {
    const trace = asked.get('selectedEvaluationId') ?? asked.get('selectedTraceId')
    if (trace) return `/traces/${encodeURIComponent(trace)}`
    return experiment ? `/traces?experiment=${experiment}` : '/traces'
  }
  const [kind, name, part, id] = parts
  switch (kind) {
    case 'experiments':
      if (name === undefined) return '/experiments'
      if (part === 'runs' && id !== undefined) return `/runs/${id}`
      return part === 'traces' ? traces(name) : `/runs?experiment=${name}`
    case 'compare-runs': {
      try {
        const runs: unknown = JSON.parse(asked.get('runs') ?? '[]')
        return Array.isArray(runs) ? `/compare?runs=${runs.map((run) => encodeURIComponent(String(run))).join(',')}` : '/compare'
      } catch {
        return '/compare'
      }
    }
    case 'models':
    case 'prompts':
      if (name === undefined) return '/models'
      return part === 'versions' && id !== undefined ? `/models/${name}/${id}` : `/models/${name}`
    case 'traces':
      return traces(undefined)
    case undefined:
      return '/'
    default:
      return undefined
  }
}
