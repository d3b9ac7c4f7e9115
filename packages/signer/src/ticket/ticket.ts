import { fromHex, InstarError, sha256Hex, toHex } from '@instar/core'
import { fromString, toString } from 'uint8arrays'

/** What a new peer needs to join: one string. */
export interface Ticket {
  readonly network: string
  /** Where peers were when it was made, as multiaddrs. */
  readonly addresses: readonly string[]
}

/** Its last digit is the format. */
const prefix = 'instar1'
const addressesMax = 16
const addressBytesMax = 255
const checksumBytes = 4
const networkBytes = 32
const charactersMax = 8192

/**
 * Layout before base58btc: network id (32 bytes) ‖ per address its length (1 byte) and its text ‖ the first 4 bytes of the sha-256 of all
 * before. Base58, because it has no characters that are mistaken for one another and is selected by one double click.
 *
 * @throws InstarError BadInput for too many or too long addresses
 */
export function encodeTicket({ network, addresses }: Ticket): string {
  if (!/^[0-9a-f]{64}$/.test(network)) throw new InstarError('BadInput', 'A ticket needs the id of a network.')
  if (addresses.length > addressesMax) {
    throw new InstarError('BadInput', `A ticket carries at most ${addressesMax} addresses, not ${addresses.length}.`)
  }
  const parts = addresses.map(address => {
    const bytes = fromString(address, 'utf8')
    if (!isAddress(address) || bytes.byteLength > addressBytesMax) {
      throw new InstarError('BadInput', `A ticket cannot carry the address ${JSON.stringify(address)}.`)
    }
    return Buffer.concat([Uint8Array.of(bytes.byteLength), bytes])
  })
  const body = Buffer.concat([fromHex(network), ...parts])
  return prefix + toString(Buffer.concat([body, checksumOf(body)]), 'base58btc')
}

/** @throws InstarError BadTicket, saying what is wrong with it */
export function parseTicket(text: string): Ticket {
  const trimmed = text.trim()
  if (trimmed.length > charactersMax) throw bad('it is far too long')
  if (!trimmed.startsWith(prefix)) {
    throw bad(
      /^instar\d/.test(trimmed) ? 'it is of a newer format than this Instar reads' : `a ticket starts with ${prefix}`
    )
  }
  const bytes = decode(trimmed.slice(prefix.length))
  if (bytes.byteLength < networkBytes + checksumBytes) throw bad('a part of it is missing: copy it whole')
  const body = bytes.subarray(0, -checksumBytes)
  if (toHex(bytes.subarray(-checksumBytes)) !== toHex(checksumOf(body))) {
    throw bad('it was changed or cut on the way: copy it whole')
  }
  return { network: toHex(body.subarray(0, networkBytes)), addresses: readAddresses(body.subarray(networkBytes)) }
}

function decode(text: string): Uint8Array {
  try {
    return fromString(text, 'base58btc')
  } catch {
    throw bad('it has a character that no ticket has: copy it whole')
  }
}

function readAddresses(bytes: Uint8Array): readonly string[] {
  const addresses: string[] = []
  let offset = 0
  while (offset < bytes.byteLength) {
    const end = offset + 1 + (bytes[offset] ?? 0)
    const address = toString(bytes.subarray(offset + 1, end), 'utf8')
    if (end > bytes.byteLength || addresses.length === addressesMax || !isAddress(address))
      throw bad('its addresses are malformed')
    addresses.push(address)
    offset = end
  }
  return addresses
}

/** A multiaddr by its looks; whether it can be dialled is for the overlay to find out. */
function isAddress(text: string): boolean {
  return /^(\/[\x21-\x2e\x30-\x7e]+)+$/.test(text)
}

function checksumOf(body: Uint8Array): Uint8Array {
  return fromHex(sha256Hex(body)).subarray(0, checksumBytes)
}

function bad(flaw: string): InstarError {
  return new InstarError('BadTicket', `This is not a ticket that can be used: ${flaw}.`)
}
