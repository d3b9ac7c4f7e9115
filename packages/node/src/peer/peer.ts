import { mkdir, rm } from 'node:fs/promises'
import { InstarError } from '@instar/core'
import { toEntries } from '../engine/engine.js'
import { parseFaults } from '../engine/faults.js'
import { isHostCommand } from '../host/fork-host.js'
import { endOrphans } from '../host/host-record.js'
import { readStateVersion } from '../host/state-version.js'
import { readGenesisSeed } from '../seed/genesis-seed.js'
import { openDataDirectory } from '../store/data-directory.js'
import { openJournal } from '../store/journal.js'
import { instarVersion } from '../version.js'
import { openOnlineSigner } from '../trust/online-signer.js'
import { openLog } from './log.js'
import { settleConfig, type PeerOptions } from './options.js'
import { createParts, type PartsInit } from './parts.js'

/** One long-lived process that supervises one object and keeps it at the network's version. */
export interface Peer {
  readonly peerId: string
  /** Resolves when the peer is in the overlay and answers its control API. @throws InstarError, `Stopped` when it is stopped meanwhile */
  start(): Promise<void>
  /** Ends running calls, leaves the network, closes everything. Safe to call twice. */
  stop(): Promise<void>
  /** Resolves when it has stopped, whoever asked for it; rejects when it could not go on. */
  readonly stopped: Promise<void>
  /** Where it can be reached now. */
  addresses(): readonly string[]
}

/**
 * Opens a data directory and puts a peer together from its parts; nothing runs before `start`.
 *
 * @throws InstarError DataDirectoryInUse, DataDirectoryDamaged, JournalDamaged, StateDamaged, BadConfig, BadTicket, WrongNetwork, BadInput
 */
export async function createPeer(options: PeerOptions): Promise<Peer> {
  const faults = parseFaults(options.faults ?? process.env['INSTAR_FAULTS'])
  const seed = await readGenesisSeed(options.dataDirectory)
  const config = await settleConfig(options, seed?.network)
  const signer = options.onlineKeys === undefined ? undefined : await openOnlineSigner(options.onlineKeys)
  const directory = await openDataDirectory(options.dataDirectory)
  try {
    await config.save()
    const journal = await openJournal(directory.paths.journal)
    return await runnable({ options, config, seed, directory, journal, faults, signer })
  } catch (thrown) {
    await directory.close()
    throw thrown
  }
}

/** Gives the parts a beginning and an end, in the right order. */
async function runnable(init: Omit<PartsInit, 'log' | 'signal' | 'stop'>): Promise<Peer> {
  const { seed, directory, journal } = init
  const { paths } = directory
  const { network } = init.config
  const log = init.options.log ?? openLog(paths.log)
  const stopping = new AbortController()
  const stopped = Promise.withResolvers<undefined>()
  const parts = await createParts({ ...init, log, signal: stopping.signal, stop: () => void peer.stop() })
  const {
    overlay,
    engine,
    trust,
    admission,
    renewal,
    announcements,
    sync,
    headTopic,
    bundles,
    exchange,
    health,
    host,
    rpc,
    control,
    server,
    stateRehearsals,
    spentHost,
    stateTables
  } = parts

  async function start(): Promise<void> {
    // Before anything looks at the state, which they may have locked.
    await endOrphans(paths.hosts, isHostCommand, log)
    await mkdir(paths.state, { recursive: true, mode: 0o700 })
    await rm(paths.scratch, { recursive: true, force: true })
    await mkdir(paths.scratch, { mode: 0o700 })
    await directory.audit.append({
      event: 'started',
      epoch: directory.bootEpoch,
      network,
      peer: overlay.peerId,
      instar: instarVersion
    })
    await bundles.start()
    for (const { manifest, files, id } of seed?.bundles ?? []) if (!bundles.has(id)) await bundles.put(manifest, files)
    await trust.start()
    await admission.start()
    if (init.config.invitation !== undefined) await admission.accept(init.config.invitation)
    await announcements.start()
    await sync.start()
    await exchange.start()
    await rpc.start()
    await stateTables.look(stopping.signal, 0)
    const found = await readStateVersion(paths.state, stateTables.whole)
    const entries = toEntries(journal.records, type =>
      log.warn({ type }, 'a journal entry of another release is left out')
    )
    engine.input({
      fact: 'start',
      epoch: directory.bootEpoch,
      entries,
      found,
      bundles: bundles.list(),
      others: trust.otherDescriptors()
    })
    await engine.settled()
    engine.compact()
    await engine.settled()
    if (engine.state.damage !== undefined) throw new InstarError('StateDamaged', `${capitalised(engine.state.damage)}.`)
    sync.onSynced(() => {
      // A newcomer decides by its neighbours: not before they are judged by the trust that the same exchange brought (R21).
      void admission.settled().then(() => engine.input({ fact: 'synced' }))
      renewal?.caughtUp()
    })
    // The hello names the peers that were met: a client that came earlier hears of a newcomer, or of a new address, in no other way.
    overlay.on('neighbour', () => rpc.helloChanged())
    assertGoesOn()
    await overlay.start()
    renewal?.start()
    // The first peer of a network has met nobody yet: nobody knows more.
    if (init.config.bootstrap.length === 0 && overlay.knownPeers(1).length === 0) renewal?.caughtUp()
    await server.start()
    assertGoesOn()
    log.info(
      { peer: overlay.peerId, network, addresses: overlay.addresses(), epoch: directory.bootEpoch },
      'the peer has started'
    )
  }

  function assertGoesOn(): void {
    if (stopping.signal.aborted) throw new InstarError('Stopped', 'The peer was stopped while it started.')
  }

  let starting: Promise<void> | undefined
  let ending: Promise<void> | undefined
  async function end(): Promise<void> {
    control.stopping()
    // In the order of the journey, backwards: no new decisions, then no new calls, then the object, then the network.
    stopping.abort()
    // Nothing may begin behind the end's back; why it did not start is told to whoever started it.
    await starting?.catch(() => undefined)
    await rpc.stop()
    health.stop()
    await stateRehearsals.stop()
    spentHost.stop()
    await host.stop()
    await engine.stop()
    await server.stop()
    headTopic.stop()
    await renewal?.stop()
    await sync.stop()
    await exchange.stop()
    await announcements.stop()
    await admission.stop()
    await overlay.stop()
    await control.close()
    await journal.close()
    // A full disk must not keep the peer from stopping.
    await directory.audit.append({ event: 'stopped', epoch: directory.bootEpoch }).catch(() => undefined)
    await directory.close()
    log.info({ peer: overlay.peerId }, 'the peer has stopped')
  }

  const peer: Peer = {
    peerId: overlay.peerId,
    addresses: () => overlay.addresses(),
    stopped: stopped.promise,
    async start() {
      try {
        starting = start()
        await starting
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

function capitalised(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
