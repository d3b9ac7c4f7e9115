import { mkdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import {
  chainIdPrefix,
  classAt,
  compactEntries,
  floorOf,
  InstarError,
  type CodeRef,
  type Fact,
  type PeerConfig,
  type StateMeta
} from '@instar/core'
import type { Hello } from '@instar/rpc'
import { readStateMeta } from '@instar/simulator-runtime/host'
import { createBundleExchange } from '../bundles/bundle-exchange.js'
import { createBundleStore } from '../bundles/bundle-store.js'
import { createControlServer } from '../control/control-server.js'
import { createEngine, toEntries, toRecord, type Engine } from '../engine/engine.js'
import { parseFaults } from '../engine/faults.js'
import { createHostManager, type HostExit } from '../host/host-manager.js'
import { rehearse } from '../host/rehearsal.js'
import { createAnnouncements } from '../overlay/announcements.js'
import { createHeadTopic } from '../overlay/head-topic.js'
import { createOverlay } from '../overlay/overlay.js'
import { createRpc } from '../rpc/rpc.js'
import { readGenesisSeed, type GenesisSeed } from '../seed/genesis-seed.js'
import { openDataDirectory, type DataDirectory } from '../store/data-directory.js'
import { openJournal, type OpenJournal } from '../store/journal.js'
import { syncProtocol } from '../sync/messages.js'
import { createSync } from '../sync/sync.js'
import { createTrustService, type TrustFact } from '../trust/trust-service.js'
import { instarVersion } from '../version.js'
import { monoMs, wallMs } from './clock.js'
import { createPeerControl } from './control.js'
import { openLog } from './log.js'
import { settleConfig, type PeerOptions, type PeerConfiguration } from './options.js'
import { createPerformer } from './perform.js'

/** One long-lived process that supervises one object and keeps it at the network's version. */
export interface Peer {
  readonly peerId: string
  /** Resolves when the peer is in the overlay and answers its control API. @throws InstarError */
  start(): Promise<void>
  /** Ends running calls, leaves the network, closes everything. Safe to call twice. */
  stop(): Promise<void>
  /** Resolves when it has stopped, whoever asked for it; rejects when it could not go on. */
  readonly stopped: Promise<void>
  /** Where it can be reached now. */
  addresses(): readonly string[]
}

/** A longer journal is replaced at the start by the shortest that says the same. */
const journalBytesMax = 1024 * 1024
/** A host of the boot before is given ten seconds to close the database. */
const stateLockTries = 100
const stateLockPauseMs = 100

/**
 * Opens a data directory and puts a peer together from its parts; nothing runs before `start`.
 *
 * @throws InstarError DataDirectoryInUse, DataDirectoryDamaged, JournalDamaged, StateDamaged, BadConfig, BadTicket, WrongNetwork, BadInput
 */
export async function createPeer(options: PeerOptions): Promise<Peer> {
  const faults = parseFaults(options.faults ?? process.env['INSTAR_FAULTS'])
  const seed = await readGenesisSeed(options.dataDirectory)
  const config = await settleConfig(options, seed?.network)
  const directory = await openDataDirectory(options.dataDirectory)
  try {
    await config.save()
    const journal = await openJournal(directory.paths.journal)
    return await assemble({ options, config, seed, directory, journal, faults })
  } catch (thrown) {
    await directory.close()
    throw thrown
  }
}

interface Parts {
  readonly options: PeerOptions
  readonly config: PeerConfiguration
  readonly seed: GenesisSeed | undefined
  readonly directory: DataDirectory
  readonly journal: OpenJournal
  readonly faults: ReturnType<typeof parseFaults>
}

async function assemble({ options, config, seed, directory, journal, faults }: Parts): Promise<Peer> {
  const { paths, identity, store } = directory
  const { network } = config
  const log = options.log ?? openLog(paths.log)
  const stopping = new AbortController()
  const stopped = Promise.withResolvers<undefined>()

  const overlay = await createOverlay({
    identity,
    network,
    listen: config.listen,
    bootstrap: config.bootstrap,
    peerProtocol: syncProtocol,
    ...(options.sameHost === undefined ? {} : { sameHost: options.sameHost }),
    store,
    log
  })

  // The core and its shell. Everything below hands it facts, or does what it says.
  const input = (fact: Fact): void => engine.input(fact)
  const engine: Engine = createEngine({
    config: coreConfig(overlay.peerId, config, seed),
    journal,
    perform: effect => performer.perform(effect),
    onChange: () => {
      control.changed()
      rpc.helloChanged()
    },
    wallMs,
    monoMs,
    log,
    ...(faults === undefined ? {} : { faults })
  })

  const trust = createTrustService({
    network,
    ...(seed === undefined ? {} : { documents: [...seed.documents, seed.descriptor] }),
    store,
    now: wallMs,
    log,
    onFact: fact => input(toCoreFact(fact))
  })
  const announcements = createAnnouncements({
    overlay,
    identity,
    network,
    bootEpoch: directory.bootEpoch,
    store,
    ...(options.urgentPerMinute === undefined ? {} : { rates: { urgentPerMinute: options.urgentPerMinute } }),
    now: wallMs,
    log,
    onAnnouncement: (announcement, receivedAtMs) =>
      input({ fact: 'announcement', announcement, ageMs: Math.max(0, wallMs() - receivedAtMs) })
  })
  const sync = createSync({
    overlay,
    network,
    trust,
    announcements,
    ...(options.syncEveryMs === undefined ? {} : { everyMs: options.syncEveryMs }),
    log
  })
  const pullFrom = (peer: string): Promise<void> => sync.pullFrom(peer)
  const headTopic = createHeadTopic({ overlay, network, trust, pullFrom, log })

  const bundles = createBundleStore({
    directory: paths.bundles,
    onDamaged: (bundle, detail) => {
      log.error({ bundle, detail }, 'a bundle is damaged on disk and is fetched again')
      input({ fact: 'bundleLost', bundle })
    }
  })
  const exchange = createBundleExchange({ store: bundles, overlay })

  const modulePath = (ref: CodeRef): Promise<string> => bundles.modulePath(ref)
  const host = createHostManager({
    stateDirectory: paths.state,
    modulePath,
    network,
    outgoing: call => rpc.call(call),
    log,
    now: monoMs,
    onExit: exit => input({ fact: 'hostExited', plan: exit.plan.plan, cause: causeOf(exit) }),
    onBroken: error => control.problem(error.message)
  })
  const rpc = createRpc({
    overlay,
    hello: () =>
      helloOf(engine, overlay.peerId, network, [
        ...overlay.addresses(),
        ...overlay.knownPeers(32).flatMap(peer => peer.addresses)
      ]),
    routes: () => engine.routes(),
    host,
    onHigherVersion: peer => {
      // R3: whoever calls at a version that is not known here has its descriptors.
      pullFrom(peer).catch((thrown: unknown) =>
        log.debug({ err: thrown, peer }, 'nothing could be pulled from a caller')
      )
    },
    onUse: version => input({ fact: 'used', version }),
    now: monoMs,
    log
  })
  const performer = createPerformer({
    bundles,
    exchange,
    providers: () => [...overlay.neighbours()],
    host,
    rehearse: (plans, signal) => rehearse({ plans, modulePath, network, log, now: monoMs, signal }),
    announcements,
    input,
    log,
    signal: stopping.signal,
    onStage: (version, detail) => control.stage(version, detail),
    onPause: (version, pauseMs) => control.pause(version, pauseMs)
  })

  const control = createPeerControl({
    engine,
    trust,
    overlay,
    host,
    rpc,
    bundles,
    performer,
    config,
    log,
    logPath: paths.log,
    stop: () => void peer.stop()
  })
  const server = createControlServer({ dataDirectory: paths.root, control, instar: instarVersion, log, now: wallMs })

  async function start(): Promise<void> {
    await mkdir(paths.state, { recursive: true, mode: 0o700 })
    await bundles.start()
    for (const { manifest, files, id } of seed?.bundles ?? []) if (!bundles.has(id)) await bundles.put(manifest, files)
    await trust.start()
    await announcements.start()
    await sync.start()
    await exchange.start()
    await rpc.start()
    const meta = await stateMeta(paths.state)
    const entries = toEntries(journal.records, type =>
      log.warn({ type }, 'a journal entry of another release is left out')
    )
    input({ fact: 'start', epoch: directory.bootEpoch, entries, stateVersion: meta?.current, bundles: bundles.list() })
    await engine.settled()
    if (journal.bytes > journalBytesMax) await journal.compact(compactEntries(engine.state).map(toRecord))
    if (engine.state.damage !== undefined) throw new InstarError('StateDamaged', `${capitalised(engine.state.damage)}.`)
    sync.onSynced(() => input({ fact: 'synced' }))
    await overlay.start()
    await server.start()
    log.info(
      { peer: overlay.peerId, network, addresses: overlay.addresses(), epoch: directory.bootEpoch },
      'the peer has started'
    )
  }

  let ending: Promise<void> | undefined
  async function end(): Promise<void> {
    control.stopping()
    // In the order of the journey, backwards: no new decisions, then no new calls, then the object, then the network.
    stopping.abort()
    await rpc.stop()
    await host.stop()
    await engine.stop()
    await server.stop()
    headTopic.stop()
    await sync.stop()
    await exchange.stop()
    await announcements.stop()
    await overlay.stop()
    await control.close()
    await journal.close()
    await directory.close()
    log.info({ peer: overlay.peerId }, 'the peer has stopped')
  }

  const peer: Peer = {
    peerId: overlay.peerId,
    addresses: () => overlay.addresses(),
    stopped: stopped.promise,
    async start() {
      try {
        await start()
      } catch (thrown) {
        await this.stop().catch(() => undefined)
        throw thrown
      }
    },
    stop() {
      ending ??= end().then(
        () => stopped.resolve(undefined),
        (thrown: unknown) => {
          stopped.reject(thrown)
          throw thrown
        }
      )
      return ending
    }
  }
  return peer
}

function coreConfig(peer: string, config: PeerConfiguration, seed: GenesisSeed | undefined): PeerConfig {
  return {
    peer,
    className: config.className,
    groups: config.groups,
    instar: instarVersion,
    // The first peer of a network has nobody to ask; it says so by having made it, or by naming no other peer.
    alone: seed !== undefined || config.bootstrap.length === 0,
    timing: config.timing
  }
}

function toCoreFact(fact: TrustFact): Fact {
  switch (fact.type) {
    case 'versionTrusted':
      return { fact: 'versionTrusted', descriptor: fact.descriptor }
    case 'freshUntil':
      return { fact: 'freshUntil', untilMs: fact.untilMs }
    case 'forked':
      return { fact: 'forked', version: fact.version }
  }
}

/** A host of the boot before may still be closing the database: it ends by itself when it notices that its peer is gone. */
async function stateMeta(directory: string): Promise<StateMeta | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readStateMeta(directory)
    } catch (thrown) {
      const held = thrown instanceof InstarError && thrown.code === 'DataDirectoryInUse'
      if (!held || attempt === stateLockTries) throw thrown
      await wait(stateLockPauseMs)
    }
  }
}

function helloOf(engine: Engine, peer: string, network: string, known: readonly string[]): Hello {
  const { state } = engine
  const { entries, served } = engine.routes()
  return {
    format: { min: 1, max: 1 },
    network,
    role: 'peer',
    peer,
    ...(state.lineage === undefined
      ? {}
      : {
          class: classAt(state.log, state.lineage, state.running).className,
          running: state.running,
          floor: Math.max(floorOf(state), 1)
        }),
    ...(served === undefined ? {} : { served: [served[0], served[1]] as [number, number] }),
    versions: entries
      .slice(-64)
      .map(({ version }) => [version, chainIdPrefix(state.log, version) ?? ''] as [number, string]),
    addresses: known.slice(0, 32),
    instar: instarVersion
  }
}

/** How a host ended, in words for people. */
function causeOf({ code, signal, reported, lastStderr }: HostExit): string {
  const how = signal === null ? `it exited with code ${code ?? 'unknown'}` : `it was ended by ${signal}`
  const said = reported ?? lastStderr.trim().split('\n').at(-1) ?? ''
  return said === '' ? how : `${how}: ${said}`
}

function capitalised(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
