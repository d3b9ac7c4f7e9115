import { fileURLToPath } from 'node:url'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'

/** What stands behind a call of Instar: a network of one peer, whose host serves version 1 by the object, and each further one by one simulation object more. */
export interface InstarPeers {
  /** Each kind of peer is started when it is first asked for. */
  get(kind: PeerKind): Promise<StartedPeer>
  stop(): Promise<void>
}

/** `chain`: eight simulation objects that pass calls on; `twin`: one that is told of every command. Durability is a matter of the network. */
export type PeerKind = 'chain' | 'twin' | 'disk'

interface StartedPeer {
  readonly ticket: string
  readonly peer: string
  readonly pid: number
}

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url))

const kinds: Readonly<Record<PeerKind, { durability: 'os' | 'disk'; upgrade?: string; upgrades: number }>> = {
  chain: { durability: 'os', upgrade: fixture('bench-upgrade'), upgrades: 8 },
  twin: { durability: 'os', upgrade: fixture('bench-twin'), upgrades: 1 },
  disk: { durability: 'disk', upgrades: 0 }
}

export function createInstarPeers(signal: AbortSignal, progress: (text: string) => void): InstarPeers {
  const networks: LocalNetwork[] = []
  const started = new Map<PeerKind, Promise<StartedPeer>>()

  async function start(kind: PeerKind): Promise<StartedPeer> {
    const { durability, upgrade, upgrades } = kinds[kind]
    progress(`starting a peer (durability ${durability})`)
    signal.throwIfAborted()
    const network = await createLocalNetwork({ classes: [fixture('bench-class')], durability })
    networks.push(network)
    signal.throwIfAborted()
    const [peer] = await network.startPeers([kind])
    if (peer?.pid === undefined) throw new Error('no peer has started')
    for (let version = 2; upgrade !== undefined && version < upgrades + 2; version++) {
      progress(`introducing version ${version}, so that calls go through ${version - 1} simulation objects`)
      await introduce(network, peer, upgrade, version)
    }
    return { ticket: await network.ticket(), peer: peer.id, pid: peer.pid }
  }

  async function introduce(network: LocalNetwork, peer: LocalPeer, module: string, version: number): Promise<void> {
    signal.throwIfAborted()
    // Nobody says the word: the version is served by its simulation object for as long as this runs.
    await network.upgrade(peer, { modules: [module], schedule: 'manual' })
    await peer.until(`serves version ${version}`, ({ served }) => served?.[1] === version)
  }

  return {
    get(kind) {
      const known = started.get(kind) ?? start(kind)
      started.set(kind, known)
      return known
    },
    async stop() {
      await Promise.allSettled(started.values())
      await Promise.all(networks.map(network => network.stop()))
    }
  }
}
