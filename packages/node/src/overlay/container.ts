// What head messages and sync frames are made of: `u32 length of the header | header as canonical JSON | parts`, where the
// header's field `parts` holds the lengths of the parts. Parts are bytes that somebody signed and must stay as they are.

import { accept, invariant, parseBoundedJson, reject, toCanonicalJson, type Json, type Verdict } from '@instar/core'

export interface Container {
  readonly header: { readonly [key: string]: unknown }
  readonly parts: readonly Uint8Array[]
}

const headerBytesMax = 256 * 1024
const partsMax = 1024

export function encodeContainer(header: { readonly [key: string]: Json }, parts: readonly Uint8Array[]): Uint8Array {
  const encoded = toCanonicalJson({ ...header, parts: parts.map(part => part.length) })
  invariant(encoded.length <= headerBytesMax && parts.length <= partsMax, 'a container keeps its bounds')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(encoded.length)
  return Buffer.concat([length, encoded, ...parts])
}

/** Never throws; linear in the bytes, which the caller has bounded. */
export function decodeContainer(bytes: Uint8Array): Verdict<Container> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerEnd = view.length < 4 ? Infinity : 4 + view.readUInt32BE(0)
  if (headerEnd > view.length) return reject('NotAContainer', 'its header is longer than it')
  const limits = { bytesMax: headerBytesMax, depthMax: 8, itemsMax: 20_000 }
  const json = parseBoundedJson(bytes.subarray(4, headerEnd), limits)
  if (json.verdict !== 'accept') return json
  const header = json.value
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    return reject('NotAContainer', 'its header is no object')
  const { parts: lengths, ...rest } = header as { [key: string]: Json }
  if (!Array.isArray(lengths) || lengths.length > partsMax) return reject('NotAContainer', 'it does not list its parts')
  const parts: Uint8Array[] = []
  let at = headerEnd
  for (const length of lengths as readonly Json[]) {
    if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0 || at + length > bytes.length)
      return reject('NotAContainer', 'its parts are longer than it')
    // Copies: a part may be kept for long, and must not keep the whole container.
    parts.push(Uint8Array.from(bytes.subarray(at, at + length)))
    at += length
  }
  return at === bytes.length ? accept({ header: rest, parts }) : reject('NotAContainer', 'bytes follow its last part')
}
