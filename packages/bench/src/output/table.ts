import Table from 'cli-table3'
import type { Measurement } from '../measurement/measurement.js'

/**
 * All figures of one suite as a table for people: a row per case, a column per metric, and a column per baseline that holds the ratios of the metrics
 * in the same order.
 */
export function toTable(measurements: readonly Measurement[]): string {
  const metrics = [...new Map(measurements.map(each => [each.metric, each.unit]))]
  const baselines = [...new Set(measurements.flatMap(each => (each.baseline === null ? [] : [each.baseline])))]
  const ratioNames = metrics.map(([metric]) => metric).join(' · ')
  const table = new Table({
    head: [
      'case',
      ...metrics.map(([metric, unit]) => (metric === unit ? metric : `${metric}, ${unit}`)),
      ...baselines.map(baseline => `÷ ${baseline}: ${ratioNames}`)
    ],
    colAligns: ['left', ...[...metrics, ...baselines].map(() => 'right' as const)],
    style: { head: [], border: [], compact: true }
  })
  for (const [name, ofCase] of byCase(measurements)) {
    table.push([
      name,
      ...metrics.map(([metric]) => toFigure(ofCase.find(each => each.metric === metric)?.value)),
      ...baselines.map(baseline => ratiosOf(ofCase, metrics, baseline))
    ])
  }
  return table.toString()
}

function byCase(measurements: readonly Measurement[]): Map<string, Measurement[]> {
  const cases = new Map<string, Measurement[]>()
  for (const each of measurements) {
    const ofCase = cases.get(each.case)
    if (ofCase === undefined) cases.set(each.case, [each])
    else ofCase.push(each)
  }
  return cases
}

function ratiosOf(
  ofCase: readonly Measurement[],
  metrics: ReadonlyArray<readonly [string, string]>,
  baseline: string
): string {
  const ratios = metrics.map(
    ([metric]) => ofCase.find(each => each.metric === metric && each.baseline === baseline)?.ratio ?? undefined
  )
  return ratios.every(ratio => ratio === undefined) ? '' : ratios.map(toFigure).join(' · ')
}

/** Three digits, thousands set apart: 12 300, 4.56, 0.0123. */
function toFigure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  const rounded = Number(value.toPrecision(3))
  const [whole = '', fraction] = String(rounded).split('.')
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, ' ')
  return fraction === undefined ? spaced : `${spaced}.${fraction}`
}
