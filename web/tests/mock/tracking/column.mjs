/** Columns of runs: how their names are read, and what a run has in them. */

const aggregates = ['last', 'min', 'max', 'first']

/** A column's name in parts; nothing if it names none. */
export function parse(text) {
  const hit = /^(attributes?|attr|run|metrics?|params?|parameters?|tags?)\.(?:[`"]([^`"]*)[`"](?:\.(\w+))?|(.+))$/.exec(text.trim())
  if (!hit) return /^\w+$/.test(text.trim()) ? { entity: 'attributes', key: text.trim(), aggregate: 'last' } : undefined
  const entity = { m: 'metrics', p: 'params', t: 'tags' }[hit[1][0]] ?? 'attributes'
  if (hit[2] !== undefined) return { entity, key: hit[2], aggregate: aggregates.includes(hit[3]) ? hit[3] : 'last' }
  const word = hit[4].split('.').at(-1)
  if (entity === 'metrics' && hit[4].includes('.') && aggregates.includes(word)) return { entity, key: hit[4].slice(0, -word.length - 1), aggregate: word }
  return { entity, key: hit[4], aggregate: 'last' }
}

/** The name that is read back as the same column. */
export function name(entity, key, aggregate = 'last') {
  const pieces = key.split('.')
  const plain = pieces.every((piece) => /^[A-Za-z_]\w*$/.test(piece)) && !(entity === 'metrics' && aggregates.includes(pieces.at(-1)))
  return `${entity}.${plain ? key : `\`${key}\``}${aggregate === 'last' ? '' : `.${aggregate}`}`
}

/** What a run has in a column; null is nothing. */
export function valueOf(run, { entity, key, aggregate }) {
  if (entity === 'metrics') return run.metric(key, aggregate)
  if (entity === 'params') return run.param(key)
  if (entity === 'tags') return run.tag(key)
  switch (key) {
    case 'run_name': return run.name
    case 'run_id': return run.run_id
    case 'status': return run.status
    case 'start_time': return run.start_ms
    case 'end_time': return run.end_ms
    case 'duration': return run.end_ms === null ? null : run.end_ms - run.start_ms
    case 'user_id': return run.user
    case 'experiment_id': return run.experiment_id
    default: return null
  }
}

/** A number as it travels. */
export const travel = (value) => (typeof value !== 'number' || Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity')
