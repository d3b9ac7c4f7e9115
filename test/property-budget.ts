import fc from 'fast-check'

const longFactor = 20

/** How many runs a property gets: `normal`, or 20 times as many when INSTAR_LONG=1 (`.ci/long`). */
export function propertyRuns(normal: number): number {
  return process.env['INSTAR_LONG'] === '1' ? normal * longFactor : normal
}

// Loaded before every test file: properties that do not state numRuns get this many.
fc.configureGlobal({ numRuns: propertyRuns(100) })
