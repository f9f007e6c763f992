/** Made-up wines with the means and spreads of the real ones, from a seeded generator: the same at every start. */

let state = 42
/** From 0 to 1 (mulberry32). */
export function random() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

export function normal() {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export const hex = (digits) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')

// name, mean and deviation of the reds, of the whites, least value
const shapes = [
  ['fixed acidity', 8.32, 1.74, 6.85, 0.84, 3.8],
  ['volatile acidity', 0.53, 0.18, 0.28, 0.1, 0.08],
  ['citric acid', 0.27, 0.19, 0.33, 0.12, 0],
  ['residual sugar', 2.54, 1.41, 6.39, 5.07, 0.6],
  ['chlorides', 0.087, 0.047, 0.046, 0.022, 0.009],
  ['free sulfur dioxide', 15.9, 10.5, 35.3, 17, 1],
  ['total sulfur dioxide', 46.5, 32.9, 138.4, 42.5, 6],
  ['density', 0.9967, 0.0019, 0.994, 0.003, 0.987],
  ['pH', 3.31, 0.154, 3.19, 0.151, 2.7],
  ['sulphates', 0.66, 0.17, 0.49, 0.114, 0.22],
  ['alcohol', 10.42, 1.07, 10.51, 1.23, 8],
]
export const columns = shapes.map(([name]) => name)

const round = (value) => Number(value.toPrecision(4))

export function wine(white) {
  return shapes.map(([, red, redSpread, pale, paleSpread, least]) => round(Math.max(least, white ? pale + normal() * paleSpread : red + normal() * redSpread)))
}

const sorted = (values) => [...values].sort((a, b) => a - b)
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
const quantile = (ordered, share) => ordered[Math.round(share * (ordered.length - 1))]

export function summary(rows) {
  return columns.concat('quality').map((name, place) => {
    const values = sorted(rows.map((row) => row[place] ?? Math.round(Math.min(8, Math.max(3, 5.6 + normal() * 0.8)))))
    const centre = mean(values)
    return {
      name,
      kind: 'number',
      missing: 0,
      distinct: new Set(values).size,
      min: values[0],
      max: values.at(-1),
      mean: centre,
      std: Math.sqrt(mean(values.map((value) => (value - centre) ** 2))),
      quantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map((share) => ({ share, value: quantile(values, share) })),
      frequent: [],
    }
  })
}

/** The drift of one column between two samples, as the server tells it. */
export function drift(name, reference, current) {
  const all = sorted([...reference, ...current])
  const [low, high] = [quantile(all, 0.002), quantile(all, 0.998)]
  const bins = 24
  const edges = Array.from({ length: bins + 1 }, (_, index) => low + ((high - low) * index) / bins)
  const shares = (values) => {
    const counts = Array(bins).fill(0)
    for (const value of values) counts[Math.max(0, Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins)))] += 1
    return counts.map((count) => count / values.length)
  }
  const [a, b] = [sorted(reference), sorted(current)]
  const below = (ordered, value) => ordered.filter((one) => one <= value).length / ordered.length
  const effect = Math.max(...all.filter((_, index) => index % 7 === 0).map((value) => Math.abs(below(a, value) - below(b, value))))
  const spread = Math.sqrt(mean(a.map((value) => (value - mean(a)) ** 2)))
  const shift = (mean(b) - mean(a)) / spread
  const drifted = effect > 0.25
  const [histogramReference, histogramCurrent] = [shares(reference), shares(current)]
  return {
    name,
    kind: 'number',
    statistic: 'wasserstein',
    value: Math.abs(shift) * 0.97,
    threshold: 0.1,
    p_value: drifted ? 1e-12 : 0.21,
    p_adjusted: drifted ? 3e-12 : 0.34,
    drifted,
    effect_size: effect,
    mean_shift: shift,
    direction: Math.abs(shift) < 0.05 ? 'same' : shift > 0 ? 'up' : 'down',
    mean_reference: mean(a),
    mean_current: mean(b),
    psi: histogramReference.reduce((sum, share, bin) => sum + (histogramCurrent[bin] - share) * Math.log((histogramCurrent[bin] + 1e-3) / (share + 1e-3)), 0),
    missing_share: 0,
    missing_share_reference: 0,
    missing_rose: false,
    new_categories: [],
    new_category_share: 0,
    histogram_reference: histogramReference,
    histogram_current: histogramCurrent,
    edges,
    labels: [],
  }
}
