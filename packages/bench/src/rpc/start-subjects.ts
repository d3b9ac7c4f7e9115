import { fileURLToPath } from 'node:url'
import { createLocalNetwork, type LocalNetwork } from '@instar/local-network'
import { startWorker, type Worker } from '../processes/worker.js'
import type { DriverRequest, DriverResult } from './driver/main.js'
import type { Load, LoadSample } from './load.js'
import type { ServedKind, Target } from './subjects/target.js'

/** Something that answers calls in one process and is called from another. */
interface Subject {
  readonly name: string
  drive(load: Load, durationMs: number): Promise<LoadSample>
}

export interface Subjects {
  readonly all: readonly Subject[]
  /** Ends every process. */
  stop(): Promise<void>
}

/** Names as figures show them. */
export const rawName = 'raw libp2p stream'
export const grpcName = 'grpc-js'

const served: ReadonlyArray<readonly [name: string, kind: ServedKind]> = [
  [rawName, 'raw'],
  ['@instar/rpc channel', 'channel'],
  [grpcName, 'grpc']
]

const benchClass = fileURLToPath(new URL('../fixtures/bench-class.js', import.meta.url))

/** Starts every server, two peers (durability is a matter of the network), and a client process for each subject. */
export async function startSubjects(signal: AbortSignal, progress: (text: string) => void): Promise<Subjects> {
  const workers: Array<Worker<never, unknown>> = []
  const networks: LocalNetwork[] = []

  async function stop(): Promise<void> {
    await Promise.all([...workers.map(worker => worker.end()), ...networks.map(network => network.stop())])
  }

  async function serve(kind: ServedKind): Promise<Target> {
    const server = startWorker<ServedKind, Target>(new URL('./server/main.js', import.meta.url), signal)
    workers.push(server)
    return server.ask(kind)
  }

  async function startPeer(durability: 'os' | 'disk'): Promise<{ ticket: string; peer: string }> {
    signal.throwIfAborted()
    const network = await createLocalNetwork({ classes: [benchClass], durability })
    networks.push(network)
    signal.throwIfAborted()
    const [peer] = await network.startPeers([durability])
    if (peer === undefined) throw new Error('no peer has started')
    return { ticket: await network.ticket(), peer: peer.id }
  }

  async function connect(name: string, target: Target): Promise<Subject> {
    const driver = startWorker<DriverRequest, DriverResult>(new URL('./driver/main.js', import.meta.url), signal)
    workers.push(driver)
    await driver.ask({ connect: target })
    return {
      name,
      async drive({ bytes, inFlight }, durationMs) {
        const sample = await driver.ask({ load: { bytes, inFlight }, durationMs })
        if (sample === null) throw new Error(`${name} gave no figures`)
        return sample
      }
    }
  }

  try {
    const all: Subject[] = []
    for (const [name, kind] of served) {
      progress(`starting ${name}`)
      all.push(await connect(name, await serve(kind)))
    }
    progress('starting a peer (durability os)')
    const os = await startPeer('os')
    progress('starting a peer (durability disk)')
    const disk = await startPeer('disk')
    all.push(
      await connect('Instar, query', { kind: 'instar', ...os, method: 'echo' }),
      await connect('Instar, command (os)', { kind: 'instar', ...os, method: 'write' }),
      await connect('Instar, command (disk)', { kind: 'instar', ...disk, method: 'write' })
    )
    return { all, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}
