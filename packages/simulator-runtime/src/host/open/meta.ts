import { InstarError, sha256Hex, type StateMeta } from '@instar/core'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toBytes, type ByteKey, type Layer } from '../state/layer.js'
import type { Database, Snapshot } from '../state/merged-entries.js'

const metaKey: ByteKey = 'meta'
/** Beside LevelDB's own files, which leaves names that it does not know alone. */
const markName = 'INSTAR'

/** The record and what its reader needs to believe it. */
interface Envelope {
  readonly format: 1
  readonly className: string
  readonly meta: StateMeta
}

export interface StoredMeta {
  readonly className: string
  readonly meta: StateMeta
}

/**
 * Reads which version runs here. `undefined` only for a database in which there has never been anything: LevelDB opens without a word
 * after losing records, so a state directory carries a mark, and one with a mark or with any key must have its record.
 *
 * @param snapshot the moment that is asked about; the present one where it is absent
 * @throws InstarError StateDamaged
 */
export async function readMeta(db: Database, directory: string, snapshot?: Snapshot): Promise<StoredMeta | undefined> {
  const bytes = db.getSync(toBytes(metaKey), snapshot === undefined ? {} : { snapshot })
  if (bytes !== undefined) return parseMeta(bytes, directory)
  const [key] = await db.keys({ limit: 1 }).all()
  if (key === undefined && !(await isMarked(directory))) return undefined
  throw damaged(directory, 'the record of which version it belongs to is gone')
}

/** Adds the record to a batch that makes it true. */
export function putMeta(layer: Layer, { className, meta }: StoredMeta): void {
  const envelope: Envelope = { format: 1, className, meta }
  const text = JSON.stringify(envelope)
  layer.entries.set(metaKey, Buffer.from(`${sha256Hex(text)} ${text}`))
}

/** From now on an empty database here means that something was lost. */
export async function markDirectory(directory: string): Promise<void> {
  if (await isMarked(directory)) return
  const file = await open(join(directory, markName), 'w')
  try {
    await file.writeFile('An Instar state lives here; see meta in the database.\n')
    await file.sync()
  } finally {
    await file.close()
  }
  const folder = await open(directory, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function isMarked(directory: string): Promise<boolean> {
  try {
    await readFile(join(directory, markName))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function parseMeta(bytes: Buffer, directory: string): StoredMeta {
  const record = bytes.toString('utf8')
  const text = record.slice(65)
  if (record[64] !== ' ' || sha256Hex(text) !== record.slice(0, 64)) {
    throw damaged(directory, 'the record of which version it belongs to fails its checksum')
  }
  const envelope = JSON.parse(text) as { readonly format: number } & Envelope
  const format: number = envelope.format
  if (format !== 1) throw damaged(directory, `its record has format ${format}, which this release cannot read`)
  return { className: envelope.className, meta: envelope.meta }
}

function damaged(directory: string, what: string): InstarError {
  return new InstarError(
    'StateDamaged',
    `The state in ${directory} is damaged: ${what}. Restore it from a copy, or start this peer anew with an empty directory.`,
    { detail: { directory } }
  )
}
