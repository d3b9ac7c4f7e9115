import { compare } from '../measurement/measurement.js'
import { measureInTurns } from '../measurement/rounds.js'
import benchClass from '../fixtures/bench-class.js'
import type { Suite } from '../suite.js'
import { chainOf, twin } from './versions.js'
import { hostUnits, startBenchObject, type BenchObject, type Calls, type HostSample } from './bench-object.js'

const runsDefault = 15
const hops = 8
/** Calls of one run: some tens of milliseconds. */
const counts = { full: { echo: 10_000, write: 3_000 }, quick: { echo: 2_000, write: 600 } }

interface Subject {
  readonly name: string
  readonly object: 'chain' | 'twin'
  readonly method: Calls['method']
  readonly version: number
}

const query: Subject = { name: 'query', object: 'chain', method: 'echo', version: 1 }
const queryFar: Subject = { name: `query, ${hops} hops`, object: 'chain', method: 'echo', version: hops + 1 }
const command: Subject = { name: 'command', object: 'chain', method: 'write', version: 1 }
const commandFar: Subject = { name: `command, ${hops} hops`, object: 'chain', method: 'write', version: hops + 1 }
const subjects: readonly Subject[] = [
  query,
  { name: 'query, 1 hop', object: 'chain', method: 'echo', version: 2 },
  queryFar,
  command,
  { name: 'command, 1 hop', object: 'chain', method: 'write', version: 2 },
  commandFar,
  { name: 'command with a twin', object: 'twin', method: 'write', version: 1 },
  { name: 'command of a twin', object: 'twin', method: 'write', version: 2 }
]

/** What simulation objects cost by themselves: an object in this process, without network, and without other processes. */
export const hostSuite: Suite = {
  name: 'host',
  summary: 'what one simulation object more, and a twin, cost a call; in one process',
  async run({ runs, quick, only, signal, report, progress }) {
    const rounds = runs ?? (quick ? 3 : runsDefault)
    const count = quick ? counts.quick : counts.full
    const objects: Record<Subject['object'], BenchObject> = {
      chain: await startBenchObject([benchClass, ...chainOf(hops)]),
      twin: await startBenchObject([benchClass, twin])
    }
    try {
      const samples = await measureInTurns({
        subjects: subjects.filter(({ name }) => only?.test(name) ?? true),
        rounds: rounds + 1,
        async measure({ name, object, method, version }, round) {
          signal.throwIfAborted()
          progress(`${name}, ${round === 0 ? 'warming up' : `run ${round} of ${rounds}`}`)
          return objects[object].measure({ method, version, count: count[method] })
        }
      })
      const measured = new Map([...samples].map(([subject, all]) => [subject.name, all.slice(1)]))
      addHop(measured, 'one hop of a query', query.name, queryFar.name)
      addHop(measured, 'one hop of a command', command.name, commandFar.name)
      const init = { suite: 'host', samples: measured, units: hostUnits, caseOf: (name: string) => name }
      for (const figure of compare({ ...init, baselines: [command.name] })) report(figure)
    } finally {
      await Promise.all(Object.values(objects).map(object => object.stop()))
    }
  }
}

/** What each simulation object adds, from runs that followed each other. */
function addHop(measured: Map<string, readonly HostSample[]>, name: string, near: string, far: string): void {
  const without = measured.get(near)
  const through = measured.get(far)
  if (without === undefined || through === undefined) return
  const perHop = through.map(({ time, cpu }, run) => ({
    time: (time - (without[run]?.time ?? NaN)) / hops,
    cpu: (cpu - (without[run]?.cpu ?? NaN)) / hops
  }))
  measured.set(name, perHop)
}
