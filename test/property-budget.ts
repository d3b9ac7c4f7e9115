import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { runsEverything } from './fixtures/selection.js'

const longFactor = 20

/** How many runs a property gets: `normal`, or 20 times as many when INSTAR_LONG=1 (`.ci/long`). */
export function propertyRuns(normal: number): number {
  return runsEverything ? normal * longFactor : normal
}

/**
 * The main job asks the same questions of every commit: whether one passes must not depend on dice that were thrown for it.
 * New ones are thrown by the long job, and by whoever names a seed (decision 46).
 */
function propertySeed(): { seed?: number } {
  const name = process.env['INSTAR_SEED'] ?? (runsEverything ? undefined : 'main')
  return name === undefined ? {} : { seed: createHash('sha256').update(name).digest().readInt32BE(0) }
}

// Loaded before every test file: properties that do not state numRuns get this many.
fc.configureGlobal({ numRuns: propertyRuns(100), ...propertySeed() })
