import { median } from './statistics.js'

/** One figure, as `--json` prints it. */
export interface Measurement {
  readonly suite: string
  readonly case: string
  readonly metric: string
  readonly unit: string
  /** Median of all runs. */
  readonly value: number
  /** What `ratio` is against; null where there is nothing to compare with. */
  readonly baseline: string | null
  /** `value` divided by the baseline's, both of the same run: the median of that over the runs. */
  readonly ratio: number | null
}

/** What one run of one subject gave, by metric. Every run of a subject has the same metrics. */
type Sample = Readonly<Record<string, number>>

export interface Compared {
  readonly suite: string
  /** Subject → its samples, in the order of the runs. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>
  /** Metric → unit. */
  readonly units: Readonly<Record<string, string>>
  /** Subjects that the others are compared with; each is compared with the others, if there are any. */
  readonly baselines: readonly string[]
  readonly caseOf: (subject: string) => string
}

/**
 * The figures of subjects that were measured in turns. A ratio is taken within each run, because neighbours in time share the state of the machine;
 * a ratio of medians would compare good minutes with bad ones.
 */
export function compare({ suite, samples, units, baselines, caseOf }: Compared): Measurement[] {
  const measurements: Measurement[] = []
  for (const [subject, own] of samples) {
    for (const [metric, unit] of Object.entries(units)) {
      const values = own.map(sample => valueOf(sample, metric))
      const figure = { suite, case: caseOf(subject), metric, unit, value: round(median(values)) }
      const others = baselines.filter(name => name !== subject && samples.has(name))
      if (others.length === 0) measurements.push({ ...figure, baseline: null, ratio: null })
      for (const baseline of others) {
        const against = (samples.get(baseline) ?? []).map(sample => valueOf(sample, metric))
        const ratios = values.map((value, run) => value / (against[run] ?? NaN)).filter(Number.isFinite)
        measurements.push({ ...figure, baseline, ratio: ratios.length === 0 ? null : round(median(ratios)) })
      }
    }
  }
  return measurements
}

function valueOf(sample: Sample, metric: string): number {
  const value = sample[metric]
  if (value === undefined) throw new RangeError(`a sample without ${metric}`)
  return value
}

/** Four digits: the rest is noise. */
function round(value: number): number {
  return Number(value.toPrecision(4))
}
