import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Client } from '@instar/client'
import { createLocalPeer, type LocalPeer, type StartOptions } from './local-peer.js'
import { runInstar } from './run-instar.js'

export interface LocalNetworkInit {
  /** Modules of the classes of version 1. */
  readonly classes: readonly string[]
  /** Default: a new temporary folder, removed by `stop`. */
  readonly directory?: string
  readonly durability?: 'os' | 'disk'
}

/** What `instar upgrade build` is told, or `instar upgrade patch`; words as on its command line. */
export interface PublishInit {
  /** Default `build`. */
  readonly command?: 'build' | 'patch'
  readonly modules: readonly string[]
  readonly title?: string
  /** Default `eager`. */
  readonly schedule?: string
  readonly deadline?: string
  /** Default `0s`: all peers at once. */
  readonly introduceOver?: string
  /** Default `200ms`. */
  readonly probation?: string
  /** Default `500ms`. */
  readonly stable?: string
  /** Words of its health policy. */
  /** What going back keeps; unsaid: what the module allows. */
  readonly back?: 'transform' | 'copy' | 'none'
  readonly health?: string
  readonly retireAfter?: string
  readonly retireBy?: string
  readonly compatible?: boolean
  /** It repairs this version and all after it; with modules for peers that run earlier ones, by their version. */
  readonly supersedes?: number
  readonly from?: Readonly<Record<number, string>>
}

/** A network on loopback: a trust root, keys, and as many real peer processes as are asked for. */
export interface LocalNetwork {
  readonly directory: string
  readonly keysDirectory: string
  readonly peers: readonly LocalPeer[]
  /** Makes a peer; the first one is the one that created the network. It is started by its `start`. */
  addPeer(name: string): LocalPeer
  /** Makes and starts peers, the first alone, the others at once. */
  startPeers(names: readonly string[], options?: StartOptions): Promise<readonly LocalPeer[]>
  ticket(): Promise<string>
  /** Builds and signs an upgrade; returns the folder with proposal and bundles. */
  buildUpgrade(via: LocalPeer, upgrade: PublishInit): Promise<string>
  /** Hands a signed proposal to a peer. */
  publish(via: LocalPeer, proposalFolder: string): Promise<void>
  /** Both at once. */
  upgrade(via: LocalPeer, upgrade: PublishInit): Promise<void>
  /** A program that is no peer. Closed by `stop`. */
  client(): Promise<Client>
  /** Stops every process that this started, and removes the folder. */
  stop(options?: { readonly keep?: boolean }): Promise<void>
}

export async function createLocalNetwork(init: LocalNetworkInit): Promise<LocalNetwork> {
  const directory = init.directory ?? (await mkdtemp(join(tmpdir(), 'instar-')))
  const keysDirectory = join(directory, 'keys')
  const firstDirectory = join(directory, 'peer-1')
  const peers: LocalPeer[] = []
  const clients: Client[] = []
  let proposals = 0

  await instar([
    'network',
    'create',
    '--data',
    firstDirectory,
    '--keys',
    keysDirectory,
    '--no-passphrase',
    '--durability',
    init.durability ?? 'os',
    ...init.classes.flatMap(module => ['--class', module])
  ])

  function addPeer(name: string): LocalPeer {
    const isFirst = peers.length === 0
    const dataDirectory = isFirst ? firstDirectory : join(directory, `peer-${peers.length + 1}`)
    const peer = createLocalPeer(name, dataDirectory, async () =>
      isFirst ? ['peer', 'start'] : ['join', await ticket()]
    )
    peers.push(peer)
    return peer
  }

  async function ticket(): Promise<string> {
    const up = peers.find(peer => peer.running)
    if (up === undefined) throw new Error('no peer runs that could give a ticket')
    return up.control.ticket()
  }

  async function buildUpgrade(via: LocalPeer, upgrade: PublishInit): Promise<string> {
    const folder = join(directory, `upgrade-${++proposals}`)
    const words = [
      'upgrade',
      upgrade.command ?? 'build',
      ...upgrade.modules,
      '--data',
      via.dataDirectory,
      '--out',
      folder
    ]
    words.push('--title', upgrade.title ?? 'an upgrade', '--schedule', upgrade.schedule ?? 'eager')
    words.push('--introduce-over', upgrade.introduceOver ?? '0s')
    words.push('--probation', upgrade.probation ?? '200ms', '--stable', upgrade.stable ?? '500ms')
    if (upgrade.deadline !== undefined) words.push('--deadline', upgrade.deadline)
    if (upgrade.retireAfter !== undefined) words.push('--retire-after', upgrade.retireAfter)
    if (upgrade.health !== undefined) words.push('--health', upgrade.health)
    if (upgrade.retireBy !== undefined) words.push('--retire-by', upgrade.retireBy)
    if (upgrade.compatible === true) words.push('--compatible')
    if (upgrade.back !== undefined) words.push('--back', upgrade.back)
    if (upgrade.supersedes !== undefined) words.push('--supersedes', String(upgrade.supersedes))
    for (const [version, module] of Object.entries(upgrade.from ?? {})) words.push('--from', `${version}=${module}`)
    await instar(words)
    await instar([
      'upgrade',
      'sign',
      join(folder, 'proposal.json'),
      '--data',
      via.dataDirectory,
      '--keys',
      keysDirectory,
      '--yes'
    ])
    return folder
  }

  async function publish(via: LocalPeer, proposalFolder: string): Promise<void> {
    const proposal = join(proposalFolder, 'proposal.json')
    // Who wants to know how far it has come asks the peers: some of them may be down on purpose.
    const words = ['upgrade', 'publish', proposal, '--data', via.dataDirectory, '--keys', keysDirectory, '--wait', '0s']
    // Most of what is published for a test or a demo has no way back, and nobody can be asked.
    await instar([...words, '--irreversible'])
  }

  return {
    directory,
    keysDirectory,
    peers,
    addPeer,
    ticket,
    buildUpgrade,
    publish,
    async startPeers(names, options) {
      const [first, ...others] = names.map(addPeer)
      await first?.start(options)
      await Promise.all(others.map(peer => peer.start(options)))
      return peers.slice(-names.length)
    },
    async upgrade(via, upgrade) {
      await publish(via, await buildUpgrade(via, upgrade))
    },
    async client() {
      const client = await connect({ ticket: await ticket() })
      clients.push(client)
      return client
    },
    async stop({ keep = false } = {}) {
      await Promise.all(clients.map(client => client.close()))
      await Promise.all(peers.map(peer => peer.stop()))
      if (!keep) await rm(directory, { recursive: true, force: true })
    }
  }
}

async function instar(args: readonly string[]): Promise<void> {
  const { code, out, err } = await runInstar(args)
  if (code !== 0) throw new Error(`instar ${args.join(' ')} ended with ${code}: ${err}${out}`)
}
