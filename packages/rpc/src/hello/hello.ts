import { parseBoundedJson, reject, accept, type Json, type Verdict } from '@instar/core'
import { z } from 'zod'

const helloBytesMax = 16 * 1024
export const helloVersionsMax = 64
export const helloAddressesMax = 32

const version = z.int().min(1).max(1_000_000)

const helloSchema = z.object({
  /** Formats of this protocol that the sender speaks (§16). */
  format: z.object({ min: z.int().min(1), max: z.int().min(1) }),
  network: z.string().regex(/^[0-9a-f]{64}$/),
  role: z.enum(['peer', 'client']),
  peer: z.string().max(128).optional(),
  /** The class that a peer runs. */
  class: z.string().max(64).optional(),
  running: version.optional(),
  floor: version.optional(),
  /** Lowest and highest version that it serves now. */
  served: z.tuple([version, version]).optional(),
  /** The newest versions whose descriptors it trusts, with the first 8 bytes of their chain ids (§6). */
  versions: z.array(z.tuple([version, z.string().regex(/^[0-9a-f]{16}$/)])).max(helloVersionsMax),
  /** Heads of trust documents: passed on unread. */
  heads: z.json().optional(),
  /** Where other peers of the network can be reached, so that a client finds more than it was told of. */
  addresses: z.array(z.string().max(256)).max(helloAddressesMax).optional(),
  instar: z.string().max(40)
})

/** Who one end of a channel is and what it speaks: its first frame. Fields that a later release adds are ignored. */
export type Hello = Readonly<z.infer<typeof helloSchema>>

/** @throws RangeError when the hello is larger than a receiver would read */
export function encodeHello(hello: Hello): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(hello))
  if (bytes.byteLength > helloBytesMax) throw new RangeError(`a hello of ${bytes.byteLength} bytes is too large`)
  return bytes
}

/** Reads a hello from the wire. Never throws. */
export function parseHello(payload: Uint8Array): Verdict<Hello> {
  const json: Verdict<Json> = parseBoundedJson(payload, { bytesMax: helloBytesMax, depthMax: 8, itemsMax: 2000 })
  if (json.verdict !== 'accept') return json
  const parsed = helloSchema.safeParse(json.value)
  if (!parsed.success) return reject('BadHello', z.prettifyError(parsed.error).replace(/\n/g, ' ').slice(0, 300))
  return accept(parsed.data)
}
