import { concat, equals, fromString, toString } from 'uint8arrays'
import { z } from 'zod'
import { certificateBytesMax } from '../announcement/announcement.js'
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
  /** Lets whoever holds the ticket be admitted (§5): it makes the ticket a secret. */
  readonly invitation?: TicketInvitation | undefined
}

/** A bearer invitation as a ticket carries it; who may admit reads and verifies it. */
export interface TicketInvitation {
  /** What the admission role signed, in base64. */
  readonly document: string
  /** The private key of the bearer, in base64. */
  readonly secret: string
}

const prefix = 'instar1'
const checksumBytes = 4
const ticketCharactersMax = 12 * 1024
const addressesMax = 16

const ticketSchema = z.object({
  network: hexDigest,
  addresses: z.array(z.string().min(1).max(256).startsWith('/')).max(addressesMax),
  invitation: z
    .object({ document: z.base64().max(Math.ceil(certificateBytesMax / 3) * 4), secret: z.base64().max(256) })
    .optional()
})

/**
 * `instar1`, then base58 of canonical JSON and the first four bytes of its sha-256.
 *
 * @throws InstarError BadInput for what `parseTicket` would refuse
 */
export function encodeTicket(ticket: Ticket): string {
  const { network, addresses, invitation } = ticket
  const checked = ticketSchema.safeParse({ network, addresses, invitation })
  if (!checked.success) {
    throw new InstarError('BadInput', `No ticket can be made of this: ${oneLine(checked.error)}.`)
  }
  const body = toCanonicalJson({
    network,
    addresses,
    ...(invitation === undefined ? {} : { invitation: { document: invitation.document, secret: invitation.secret } })
  })
  const text = prefix + toString(concat([body, checksumOf(body)]), 'base58btc')
  if (text.length > ticketCharactersMax)
    throw new InstarError('BadInput', 'The ticket would be too long to be read: name fewer addresses in it.')
  return text
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
