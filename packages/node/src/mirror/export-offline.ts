import { createHash } from 'node:crypto'
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InstarError, parseDescriptor, parseManifest } from '@instar/core'
import { chunksOf, firstFlaw, readChunkAt } from '../bundles/bundle-folder.js'
import type { CarriedAnnouncement, TrustDocuments } from '../control/peer-control.js'
import { onDisk } from '../store/disk-errors.js'
import { syncDirectory } from '../store/durable-file.js'
import { bundlesOf } from './bundles-of.js'
import { encodeOfflineRecord, offlineMagic, type OfflineHeader } from './offline-record.js'

export interface ExportOfflineInit {
  readonly network: string
  readonly trusted: TrustDocuments
  /** What it says of itself and has heard of others: what has been committed elsewhere is known by nothing else (§14). */
  readonly announcements: readonly CarriedAnnouncement[]
  /** The file; replaced only when the new one is whole. */
  readonly file: string
  /** Versions whose descriptors and bundles are taken; default all. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** The folder in which the peer keeps its bundles; absent: none are taken. */
  readonly bundles?: string | undefined
  readonly now: () => number
  readonly dryRun?: boolean
  readonly onStep?: (step: string) => void
}

export interface ExportedOffline {
  readonly from: number
  readonly to: number
  readonly documents: number
  readonly descriptors: number
  readonly announcements: number
  readonly bundles: readonly string[]
  /** Bundles of these versions that this peer does not hold, or holds damaged. */
  readonly missingBundles: readonly string[]
  readonly bytes: number
}

/**
 * Writes everything that a peer trusts and has heard of others, with the descriptors and bundles of a span of versions, into one file. One chunk is in memory at
 * a time.
 *
 * @throws InstarError BadInput for a span without versions, DiskFull
 */
export async function exportOffline(init: ExportOfflineInit): Promise<ExportedOffline> {
  const { network, trusted, file, from = 1 } = init
  const all = trusted.descriptors.map(bytes => ({ bytes, version: versionOf(bytes) }))
  const newest = all.reduce((most, each) => Math.max(most, each.version), 0)
  const to = Math.min(init.to ?? newest, newest)
  if (from > to) {
    throw new InstarError(
      'BadInput',
      `This peer knows versions 1 to ${newest}; none of them is between ${from} and ${to}.`
    )
  }
  const descriptors = all.filter(({ version }) => version >= from && version <= to).map(each => each.bytes)
  const found = await findBundles(init, descriptors)
  const counts = {
    documents: trusted.documents.length,
    descriptors: descriptors.length,
    announcements: init.announcements.length
  }
  const result = { from, to, ...counts, bundles: found.held, missingBundles: found.missing }
  if (init.dryRun === true) return { ...result, bytes: 0 }

  const aside = `${file}.new`
  const bytes = await onDisk(file, async () => {
    const handle = await open(aside, 'w', 0o644)
    try {
      const writer = new Writer(handle)
      const made = new Date(init.now()).toISOString()
      await writer.write({ kind: 'index', network, from, to, made, bundles: [...found.held] })
      for (const each of trusted.documents) await writer.write({ kind: 'document' }, each)
      for (const { envelope, ageMs } of init.announcements)
        await writer.write({ kind: 'announcement', ageMs }, envelope)
      for (const each of descriptors) await writer.write({ kind: 'descriptor' }, each)
      for (const id of found.held) await writeBundle(writer, init, id)
      await writer.end()
      await handle.sync()
      return writer.bytes
    } catch (thrown) {
      await rm(aside, { force: true })
      throw thrown
    } finally {
      await handle.close()
    }
  })
  await onDisk(file, async () => {
    await rename(aside, file)
    await syncDirectory(dirname(file))
  })
  return { ...result, bytes }
}

async function findBundles(
  { bundles: folder }: ExportOfflineInit,
  descriptors: readonly Uint8Array[]
): Promise<{ held: readonly string[]; missing: readonly string[] }> {
  const held: string[] = []
  const missing: string[] = []
  if (folder === undefined) return { held, missing }
  for (const id of bundlesOf(descriptors).keys()) {
    const bytes = await readFile(join(folder, id, 'manifest.json')).catch(() => undefined)
    const manifest = bytes && parseManifest(bytes, id)
    const isWhole = manifest?.verdict === 'accept' && (await firstFlaw(join(folder, id), manifest.value)) === undefined
    ;(isWhole ? held : missing).push(id)
  }
  return { held, missing }
}

async function writeBundle(writer: Writer, { bundles = '', onStep }: ExportOfflineInit, id: string): Promise<void> {
  onStep?.(`bundle ${id.slice(0, 16)}`)
  const folder = join(bundles, id)
  const bytes = await readFile(join(folder, 'manifest.json'))
  const manifest = parseManifest(bytes, id)
  if (manifest.verdict !== 'accept') throw new InstarError('BundleInvalid', `The bundle ${id} changed meanwhile.`)
  await writer.write({ kind: 'manifest', bundle: id }, bytes)
  for (const ref of manifest.value.files.flatMap(chunksOf)) {
    const chunk = await readChunkAt(folder, ref)
    if (chunk === undefined) throw new InstarError('BundleInvalid', `The bundle ${id} changed meanwhile.`)
    await writer.write({ kind: 'chunk', bundle: id, path: ref.path, chunk: ref.chunk }, chunk)
  }
}

class Writer {
  bytes = 0
  private records = 0
  private readonly hash = createHash('sha256')

  constructor(private readonly file: FileHandle) {}

  async write(header: OfflineHeader, body?: Uint8Array): Promise<void> {
    if (this.bytes === 0) await this.append(offlineMagic)
    await this.append(encodeOfflineRecord(header, body))
    this.records++
  }

  async end(): Promise<void> {
    const sha256 = this.hash.copy().digest('hex')
    await this.append(encodeOfflineRecord({ kind: 'end', records: this.records, sha256 }))
  }

  private async append(bytes: Uint8Array): Promise<void> {
    this.hash.update(bytes)
    this.bytes += bytes.byteLength
    await this.file.appendFile(bytes)
  }
}

function versionOf(descriptor: Uint8Array): number {
  const parsed = parseDescriptor(descriptor)
  return parsed.verdict === 'accept' ? parsed.value.version : 0
}
