import { compare } from '../measurement/measurement.js'
import { measureInTurns } from '../measurement/rounds.js'
import type { Suite } from '../suite.js'
import { loads, loadUnits } from './load.js'
import { grpcName, rawName, startSubjects } from './start-subjects.js'

const runsDefault = 5
const durationMs = { full: 1_000, quick: 200 }
/** Before the first run of each load: compilers, windows and caches get to know it. */
const warmUps = 1

/** Calls through the whole of Instar beside the same calls over a bare stream, over the channel alone, and over gRPC; TLS or Noise in all of them. */
export const rpcSuite: Suite = {
  name: 'rpc',
  summary: 'calls/s and latency: raw libp2p stream, @instar/rpc alone, the whole path of Instar, grpc-js over TLS',
  async run({ runs, quick, signal, report, progress }) {
    const rounds = runs ?? (quick ? 3 : runsDefault)
    const lastingMs = quick ? durationMs.quick : durationMs.full
    const subjects = await startSubjects(signal, progress)
    try {
      for (const load of loads) {
        const samples = await measureInTurns({
          subjects: subjects.all,
          rounds: rounds + warmUps,
          async measure(subject, round) {
            progress(`${load.name}: ${subject.name}, ${round < warmUps ? 'warming up' : `run ${round} of ${rounds}`}`)
            return subject.drive(load, lastingMs)
          }
        })
        const figures = compare({
          suite: 'rpc',
          samples: new Map([...samples].map(([subject, all]) => [subject.name, all.slice(warmUps)])),
          units: loadUnits,
          baselines: [grpcName, rawName],
          caseOf: subject => `${load.name}: ${subject}`
        })
        for (const figure of figures) report(figure)
      }
    } finally {
      progress('stopping')
      await subjects.stop()
    }
  }
}
