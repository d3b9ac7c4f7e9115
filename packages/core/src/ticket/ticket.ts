import { concat, equals, fromString, toString } from 'uint8arrays'
import { z } from 'zod'
import { fromHex, sha256Hex } from '../codec/hash.js'
import { parseBoundedJson, toCanonicalJson } from '../codec/json.js'
import { hexDigest } from '../descriptor/fields.js'
import { InstarError } from '../errors.js'

/** What a new peer or a client needs to reach a network, as one string that people can pass on. */
export interface Ticket {
  /** The network id, which is the hash of the first trust root (§6). */
  readonly network: string
  /** Multiaddrs with `/p2p/<peer id>`, where peers were when the ticket was made. */
  readonly addresses: readonly string[]
}

const prefix = 'instar1'
const checksumBytes = 4
const ticketCharactersMax = 8 * 1024
const addressesMax = 16

const ticketSchema = z.object({
  network: hexDigest,
  addresses: z.array(z.string().min(1).max(256).startsWith('/')).max(addressesMax)
})

/**
 * `instar1`, then base58 of canonical JSON and the first four bytes of its sha-256.
 *
 * @throws InstarError BadInput for what `parseTicket` would refuse
 */
export function encodeTicket(ticket: Ticket): string {
  const { network, addresses } = ticket
  const checked = ticketSchema.safeParse({ network, addresses })
  if (!checked.success) {
    throw new InstarError('BadInput', `No ticket can be made of this: ${oneLine(checked.error)}.`)
  }
  const body = toCanonicalJson({ network, addresses })
  return prefix + toString(concat([body, checksumOf(body)]), 'base58btc')
}

/** @throws InstarError BadTicket, saying what is wrong with it */
export function parseTicket(text: string): Ticket {
  const trimmed = text.trim()
  if (!trimmed.startsWith(prefix)) {
    throw new InstarError(
      'BadTicket',
      `A ticket begins with "${prefix}": copy the whole line that the other peer printed.`
    )
  }
  if (trimmed.length > ticketCharactersMax) throw new InstarError('BadTicket', 'The ticket is too long to be one.')
  const bytes = fromBase58(trimmed.slice(prefix.length))
  const body = bytes.subarray(0, -checksumBytes)
  if (bytes.byteLength <= checksumBytes || !equals(checksumOf(body), bytes.subarray(-checksumBytes))) {
    throw new InstarError(
      'BadTicket',
      'The ticket is damaged, its checksum is wrong: copy it again, to its last character.'
    )
  }
  const json = parseBoundedJson(body, { bytesMax: ticketCharactersMax, depthMax: 3, itemsMax: 64 })
  const parsed = ticketSchema.safeParse(json.verdict === 'accept' ? json.value : undefined)
  if (!parsed.success) {
    throw new InstarError(
      'BadTicket',
      `The ticket was made by something that is no release of Instar: ${oneLine(parsed.error)}.`
    )
  }
  return parsed.data
}

function checksumOf(body: Uint8Array): Uint8Array {
  return fromHex(sha256Hex(body)).subarray(0, checksumBytes)
}

function fromBase58(text: string): Uint8Array {
  try {
    return fromString(text, 'base58btc')
  } catch (thrown) {
    throw new InstarError('BadTicket', 'The ticket holds a character that no ticket has: copy it again.', {
      cause: thrown
    })
  }
}

function oneLine(error: z.ZodError): string {
  return z.prettifyError(error).replace(/\s+/g, ' ').slice(0, 300)
}
