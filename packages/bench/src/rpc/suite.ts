import { compare } from '../measurement/measurement.js'
import { measureInTurns } from '../measurement/rounds.js'
import type { Suite } from '../suite.js'
import { loads, loadUnits, type Load } from './load.js'
import { bareName, grpcName, startSubjects, subjectPlans } from './start-subjects.js'

const runsDefault = 5
const durationMs = { full: 1_000, quick: 200 }
/** Before the first run of each load: compilers, windows and caches get to know it. */
const warmUps = 1

/** Calls through the whole of Instar beside the same calls over what else there is, and beside its own parts alone; TLS or Noise in all of them. */
export const rpcSuite: Suite = {
  name: 'rpc',
  summary: 'calls: the whole path of Instar beside grpc-js, HTTP/2, a bare stream, and itself without versions',
  async run({ runs, quick, only, signal, report, progress }) {
    const rounds = runs ?? (quick ? 3 : runsDefault)
    const lastingMs = quick ? durationMs.quick : durationMs.full
    const wanted = (load: Load, name: string): boolean => only?.test(caseName(load, name)) ?? true
    const plans = subjectPlans.filter(({ name }) => loads.some(load => wanted(load, name)))
    const subjects = await startSubjects(plans, signal, progress)
    try {
      for (const load of loads) {
        const samples = await measureInTurns({
          subjects: subjects.all.filter(({ name }) => wanted(load, name)),
          rounds: rounds + warmUps,
          async measure(subject, round) {
            progress(`${load.name}: ${subject.name}, ${round < warmUps ? 'warming up' : `run ${round} of ${rounds}`}`)
            return subject.drive(load, lastingMs)
          }
        })
        const measured = new Map([...samples].map(([subject, all]) => [subject.name, all.slice(warmUps)]))
        const figures = compare({
          suite: 'rpc',
          samples: measured,
          units: unitsOf(measured.values()),
          baselines: [grpcName, bareName],
          caseOf: subject => caseName(load, subject)
        })
        for (const figure of figures) report(figure)
      }
    } finally {
      progress('stopping')
      await subjects.stop()
    }
  }
}

/** Without what the system does not tell. */
function unitsOf(samples: Iterable<ReadonlyArray<Readonly<Record<string, number>>>>): Record<string, string> {
  const measured = [...samples].flat()
  return Object.fromEntries(Object.entries(loadUnits).filter(([metric]) => measured.every(each => metric in each)))
}

function caseName(load: Load, subject: string): string {
  return `${load.name}: ${subject}`
}
