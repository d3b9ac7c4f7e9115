import type { Measurement } from '../measurement/measurement.js'

/** One measurement as one line, its fields always in this order. */
export function toJsonLine({ suite, case: name, metric, unit, value, baseline, ratio }: Measurement): string {
  return JSON.stringify({ suite, case: name, metric, unit, value, baseline, ratio })
}
