import { InstarError, manifestBytesMax } from '@instar/core'
import { z } from 'zod'

/** The first line of an offline file: what it is, and the number of its format (§16). Format 1 has no announcements. */
export const offlineMagic = Buffer.from('instar-offline 2\n')
export const offlineMagics: readonly Buffer[] = [offlineMagic, Buffer.from('instar-offline 1\n')]

export const headerBytesMax = 256 * 1024
/** A manifest is the largest thing that one record carries; documents and chunks are at most a quarter of it. */
export const bodyBytesMax = manifestBytesMax

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const headerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('index'),
    network: digest,
    /** The span of versions whose descriptors and bundles are here; trust documents are here all. */
    from: z.int().min(1),
    to: z.int().min(0),
    made: z.iso.datetime(),
    bundles: z.array(digest).max(2000)
  }),
  z.strictObject({ kind: z.literal('document') }),
  /** How old it was when the file was made: when its (epoch, seq) last grew, by the clock of whoever made it (§13). */
  z.strictObject({ kind: z.literal('announcement'), ageMs: z.int().min(0) }),
  z.strictObject({ kind: z.literal('descriptor') }),
  z.strictObject({ kind: z.literal('manifest'), bundle: digest }),
  z.strictObject({ kind: z.literal('chunk'), bundle: digest, path: z.string().max(200), chunk: z.int().min(0) }),
  z.strictObject({ kind: z.literal('end'), records: z.int().min(1), sha256: digest })
])

/** What a record is. */
export type OfflineHeader = Readonly<z.infer<typeof headerSchema>>
export type OfflineIndex = Extract<OfflineHeader, { kind: 'index' }>

/** One record: `u32 length of the header | u32 length of the body | header as JSON | body`. */
export interface OfflineRecord {
  readonly header: OfflineHeader
  readonly body: Uint8Array
}

export function encodeOfflineRecord(header: OfflineHeader, body: Uint8Array = new Uint8Array()): Uint8Array {
  const json = Buffer.from(JSON.stringify(header))
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(json.byteLength, 0)
  lengths.writeUInt32BE(body.byteLength, 4)
  return Buffer.concat([lengths, json, body])
}

export function parseOfflineHeader(bytes: Uint8Array): OfflineHeader | undefined {
  try {
    const parsed = headerSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

export function offlineFileInvalid(path: string, flaw: string): InstarError {
  return new InstarError(
    'OfflineFileInvalid',
    `${path} cannot be used: ${flaw}. Copy it again, or have it exported again.`,
    {
      detail: { path }
    }
  )
}
