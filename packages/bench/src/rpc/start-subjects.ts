import { cpuTimeMs } from '../processes/cpu-time.js'
import { startWorker, type Worker } from '../processes/worker.js'
import type { DriverRequest, DriverResult } from './driver/main.js'
import { createInstarPeers, type PeerKind } from './instar-peers.js'
import type { Load } from './load.js'
import type { ServedKind, Target } from './subjects/target.js'

/** Something that answers calls in one process and is called from another. */
interface Subject {
  readonly name: string
  /** By metric; see `loadUnits`. */
  drive(load: Load, durationMs: number): Promise<Readonly<Record<string, number>>>
}

export interface Subjects {
  readonly all: readonly Subject[]
  /** Ends every process. */
  stop(): Promise<void>
}

/** Names as figures show them. */
export const grpcName = 'grpc-js'
export const bareName = 'Instar without versions, query'

type SubjectPlan =
  | { readonly name: string; readonly served: ServedKind }
  | {
      readonly name: string
      readonly peer: PeerKind
      readonly method: 'echo' | 'write'
      /** One more than the simulation objects that a call goes through. */
      readonly version: number
    }

export const subjectPlans: readonly SubjectPlan[] = [
  { name: 'raw libp2p stream', served: 'raw' },
  { name: '@instar/rpc channel', served: 'channel' },
  { name: grpcName, served: 'grpc' },
  { name: 'HTTP/2', served: 'http2' },
  { name: bareName, served: 'bare' },
  { name: 'Instar, query', peer: 'chain', method: 'echo', version: 1 },
  { name: 'Instar, query, 1 hop', peer: 'chain', method: 'echo', version: 2 },
  { name: 'Instar, query, 8 hops', peer: 'chain', method: 'echo', version: 9 },
  { name: 'Instar, command (os)', peer: 'chain', method: 'write', version: 1 },
  { name: 'Instar, command (os), 1 hop', peer: 'chain', method: 'write', version: 2 },
  { name: 'Instar, command (os), 8 hops', peer: 'chain', method: 'write', version: 9 },
  { name: 'Instar, command (os), twin', peer: 'twin', method: 'write', version: 1 },
  { name: 'Instar, command (disk)', peer: 'disk', method: 'write', version: 1 }
]

interface Started {
  readonly target: Target
  /** Its server's; what that started counts to it. */
  readonly pid: number
}

/** Starts a server for each subject (those of Instar share peers), and a client process for each. */
export async function startSubjects(
  plans: readonly SubjectPlan[],
  signal: AbortSignal,
  progress: (text: string) => void
): Promise<Subjects> {
  const workers: Array<Worker<never, unknown>> = []
  const peers = createInstarPeers(signal, progress)

  async function stop(): Promise<void> {
    await Promise.all([...workers.map(worker => worker.end()), peers.stop()])
  }

  async function start(plan: SubjectPlan): Promise<Started> {
    if ('peer' in plan) {
      const { pid, ticket, peer } = await peers.get(plan.peer)
      return { pid, target: { kind: 'instar', ticket, peer, method: plan.method, version: plan.version } }
    }
    const server = startWorker<ServedKind, Target>(new URL('./server/main.js', import.meta.url), signal)
    workers.push(server)
    return { pid: server.pid, target: await server.ask(plan.served) }
  }

  async function connect(name: string, { target, pid }: Started): Promise<Subject> {
    const driver = startWorker<DriverRequest, DriverResult>(new URL('./driver/main.js', import.meta.url), signal)
    workers.push(driver)
    await driver.ask({ connect: target })
    const used = (): number => (cpuTimeMs(pid) ?? NaN) + (cpuTimeMs(driver.pid) ?? NaN)
    return {
      name,
      async drive({ bytes, inFlight }, durationMs) {
        const before = used()
        const sample = await driver.ask({ load: { bytes, inFlight }, durationMs })
        if (sample === null) throw new Error(`${name} gave no figures`)
        const { calls, ...figures } = sample
        const cpu = ((used() - before) * 1000) / calls
        return Number.isNaN(cpu) ? figures : { ...figures, cpu }
      }
    }
  }

  try {
    const all: Subject[] = []
    for (const plan of plans) {
      progress(`starting ${plan.name}`)
      all.push(await connect(plan.name, await start(plan)))
    }
    return { all, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}
