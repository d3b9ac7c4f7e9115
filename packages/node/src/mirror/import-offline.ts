import { InstarError } from '@instar/core'
import { restoreTrust } from '@instar/signer'
import type { CarriedPeer } from './carried-peer.js'
import { Carrier, type Carried } from './carrier.js'
import { inspectOfflineFile, type OfflineContents } from './offline-inspect.js'
import type { OfflineRecord } from './offline-record.js'
import { readOfflineFile } from './offline-reader.js'

export interface ImportOfflineInit {
  readonly peer: CarriedPeer
  readonly file: string
  readonly nowMs: number
  readonly dryRun?: boolean
  readonly onStep?: (step: string) => void
}

/**
 * Brings what an offline file holds to a peer, which verifies it like gossip. The file is read through once before anything is taken
 * from it; a run that is interrupted leaves only what verified, and the next one goes on behind the files that are whole.
 *
 * What may stop something comes first (P1), and what begins something last: a version counts when its descriptor is here, and its code and what
 * others say of it are here by then, so that all that they have committed is taken in one walk (§14).
 *
 * @throws InstarError OfflineFileInvalid, WrongNetwork, NotTrusted for a document that is wrong under every trust state
 */
export async function importOffline(init: ImportOfflineInit): Promise<Carried & OfflineContents> {
  const { peer, file, nowMs, onStep } = init
  onStep?.('reading it through')
  const contents = await inspectOfflineFile(file)
  if (contents.index.network !== peer.network) {
    throw new InstarError(
      'WrongNetwork',
      `${file} is of network ${contents.index.network.slice(0, 16)}…, and the peer of ${peer.network.slice(0, 16)}…: take a file that was exported in its network.`
    )
  }
  const trusted = await peer.trustDocuments()
  const state = restoreTrust(peer.network, [...trusted.documents, ...trusted.descriptors])
  const carrier = new Carrier(peer, state, nowMs, init.dryRun)
  const source = readOfflineFile(file)
  try {
    await carryAll(carrier, new Records(source), onStep)
  } finally {
    await source.return(undefined)
  }
  await carryVersions(carrier, file, Math.max(0, nowMs - Date.parse(contents.index.made)))
  return { ...contents, ...carrier.carried }
}

async function carryAll(carrier: Carrier, records: Records, onStep: ImportOfflineInit['onStep']): Promise<void> {
  let missing: ReadonlySet<string> = new Set()
  let open: string | undefined
  const endBundle = async () => {
    if (open !== undefined) await carrier.endBundle(open)
    open = undefined
  }
  for (let record = await records.next(); record !== undefined; record = await records.next()) {
    const { header, body } = record
    if (header.kind === 'document') await carrier.carry(body)
    if (header.kind === 'manifest') {
      await carrier.end()
      await endBundle()
      onStep?.(`bundle ${header.bundle.slice(0, 16)}`)
      const isThere = await carrier.hasBundle(header.bundle)
      open = isThere ? undefined : header.bundle
      missing = isThere ? new Set() : await carrier.beginBundle(header.bundle, body)
    }
    if (header.kind === 'chunk' && header.chunk === 0 && missing.has(header.path)) {
      await carrier.carryFile(header.bundle, header.path, records.file(record))
    }
  }
  await carrier.end()
  await endBundle()
}

/** @param sinceMs how long ago the file was made: what peers said is older by that */
async function carryVersions(carrier: Carrier, file: string, sinceMs: number): Promise<void> {
  for await (const { header, body } of readOfflineFile(file)) {
    if (header.kind === 'announcement')
      await carrier.carryAnnouncement({ envelope: body, ageMs: header.ageMs + sinceMs })
    if (header.kind === 'descriptor') {
      await carrier.endAnnouncements()
      await carrier.carry(body)
    }
    if (header.kind === 'manifest') break
  }
  await carrier.endAnnouncements()
  await carrier.end()
}

/** Records, with those of one file as one stream. What its reader leaves is skipped by the loop above. */
class Records {
  private ahead: OfflineRecord | undefined

  constructor(private readonly source: AsyncGenerator<OfflineRecord>) {}

  async next(): Promise<OfflineRecord | undefined> {
    const { ahead } = this
    this.ahead = undefined
    if (ahead !== undefined) return ahead
    const next = await this.source.next()
    return next.done === true ? undefined : next.value
  }

  async *file(first: OfflineRecord): AsyncGenerator<Uint8Array> {
    yield first.body
    const { header } = first
    if (header.kind !== 'chunk') return
    for (let record = await this.next(); record !== undefined; record = await this.next()) {
      if (record.header.kind !== 'chunk' || record.header.path !== header.path) {
        this.ahead = record
        return
      }
      yield record.body
    }
  }
}
