import {
  classAt,
  createPeerState,
  InstarError,
  step,
  whyNotRestored,
  type Fact,
  type JournalEntry,
  type OldState,
  type PeerState
} from '@instar/core'
import { readStateMeta, restoreState, WholeTables } from '@instar/simulator-runtime/host'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toEntries, toRecord } from '../engine/engine.js'
import { readStateVersion } from '../host/state-version.js'
import { readGenesisSeed } from '../seed/genesis-seed.js'
import { openDataDirectory, type DataDirectory } from '../store/data-directory.js'
import { openJournal, type OpenJournal } from '../store/journal.js'
import { createTrustService } from '../trust/trust-service.js'
import { coreConfig, toCoreFact } from './facts.js'
import { openLog } from './log.js'
import { settleConfig } from './options.js'

/** What a restore would do, for whoever decides it. */
export interface RestoreOffer {
  readonly peer: string
  /** What runs now. */
  readonly running: number
  /** What would run, on code of this version. */
  readonly version: number
  /** Wall clock: every call that was acknowledged since is lost. */
  readonly sinceMs: number
  /** The states that there are, the newest first. */
  readonly states: ReadonlyArray<Pick<OldState, 'version' | 'sinceMs'>>
}

export interface RestoreInit {
  readonly dataDirectory: string
  /** The newest state of this version; absent: nothing is restored, and the offer is for the newest state of all. */
  readonly version?: number | undefined
  /** Says what is lost and asks; without a yes nothing is changed. Absent: only looked at. */
  readonly confirm?: (offer: RestoreOffer) => Promise<boolean>
  readonly now?: () => number
}

/**
 * Gives a stopped peer the state of an earlier version back (§8). The journal says so first; then one batch in the state database makes it
 * so; what follows from it is the start table's. Killed anywhere, the next start, or this again, finds one of the two truths. What runs now
 * is kept, so that a mistake can be taken back in the same way.
 *
 * @returns the offer, and whether it was carried out
 * @throws InstarError BadInput when there is no such state or it cannot be restored now; DataDirectoryInUse, DataDirectoryDamaged,
 *   JournalDamaged, StateDamaged, DiskFull
 */
export async function restorePeer(
  init: RestoreInit
): Promise<{ readonly offer: RestoreOffer; readonly done: boolean }> {
  const { dataDirectory, version, confirm, now = Date.now } = init
  const seed = await readGenesisSeed(dataDirectory)
  const config = await settleConfig({ dataDirectory }, seed?.network)
  const directory = await openDataDirectory(dataDirectory, { now })
  const tables = new WholeTables()
  try {
    const journal = await openJournal(directory.paths.journal)
    try {
      const peer = peerIdFromPrivateKey(directory.identity).toString()
      const { state, entries } = await settled({ peer, config, seed, directory, journal, tables, nowMs: now() })
      const states = await statesOf(directory, tables)
      const chosen = choose(state, states, version)
      const { lineage, running } = state
      const flaw = whyNotRestored(state, chosen)
      if (flaw !== undefined || lineage === undefined)
        throw new InstarError('BadInput', `The state of version ${chosen.version} cannot be restored here: ${flaw}.`)
      const offer: RestoreOffer = { peer, running, version: chosen.version, sinceMs: chosen.sinceMs, states }
      if (confirm === undefined || !(await confirm(offer))) return { offer, done: false }
      const { chainId } = chosen
      const intent: JournalEntry = { type: 'restore', version: chosen.version, chainId, atMs: now() }
      await journal.append([...entries, intent].map(toRecord))
      const { className } = classAt(state.log, lineage, chosen.version)
      const { state: path } = directory.paths
      await restoreState({ directory: path, generation: chosen.generation, className, nowMs: now(), tables })
      await directory.audit.append({
        event: 'restored',
        version: chosen.version,
        chainId,
        from: running,
        sinceMs: chosen.sinceMs
      })
      return { offer, done: true }
    } finally {
      await journal.close()
    }
  } finally {
    await directory.close()
  }
}

interface SettledInit {
  readonly peer: string
  readonly config: Awaited<ReturnType<typeof settleConfig>>
  readonly seed: Awaited<ReturnType<typeof readGenesisSeed>>
  readonly directory: DataDirectory
  readonly journal: OpenJournal
  readonly tables: WholeTables
  readonly nowMs: number
}

/** What the core makes of this peer at a start, and what it would write down: an earlier restore is settled before another one begins. */
async function settled({ peer, config, seed, directory, journal, tables, nowMs }: SettledInit) {
  const { paths, store, audit, bootEpoch: epoch } = directory
  const log = openLog(paths.log)
  let state: PeerState = createPeerState(coreConfig(peer, config, seed !== undefined))
  const entries: JournalEntry[] = []
  const take = (fact: Fact): void => {
    const taken = step(state, { ...fact, now: { wallMs: nowMs, monoMs: 0 } })
    state = taken.state
    for (const effect of taken.effects) if (effect.effect === 'persist') entries.push(...effect.entries)
  }
  const trust = createTrustService({
    network: config.network,
    ...(seed === undefined ? {} : { documents: [...seed.documents, seed.descriptor] }),
    store,
    audit,
    now: () => nowMs,
    log,
    onFact: fact => {
      const known = toCoreFact(fact)
      if (known !== undefined) take(known)
    }
  })
  await trust.start()
  const found = await readStateVersion(paths.state, tables)
  const journaled = toEntries(journal.records, type =>
    log.warn({ type }, 'a journal entry of another release is left out')
  )
  take({ fact: 'start', epoch, entries: journaled, found, bundles: [], others: trust.otherDescriptors() })
  return { state, entries }
}

async function statesOf({ paths }: DataDirectory, tables: WholeTables): Promise<readonly OldState[]> {
  const meta = await readStateMeta(paths.state, tables)
  return (meta?.kept ?? [])
    .map(({ generation, current, chainId, sinceMs }) => ({ generation, version: current, chainId, sinceMs, bytes: 0 }))
    .reverse()
}

function choose({ log, lineage }: PeerState, states: readonly OldState[], version: number | undefined): OldState {
  const [newest] = states
  if (newest === undefined) throw new InstarError('BadInput', 'No state of an earlier version is kept here.')
  if (version === undefined) return newest
  const isKnown = lineage !== undefined && version >= lineage.since && version <= log.length
  const code = isKnown ? classAt(log, lineage, version).codeVersion : version
  const chosen = states.find(each => each.version === code)
  if (chosen !== undefined) return chosen
  const kept = [...new Set(states.map(each => each.version))].join(', ')
  throw new InstarError('BadInput', `No state of version ${version} is kept here; there are states of version ${kept}.`)
}
