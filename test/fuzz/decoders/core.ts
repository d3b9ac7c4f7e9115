import {
  crc32c,
  decodeJournal,
  encodeAnnouncement,
  encodeDescriptor,
  encodeJournalRecord,
  encodeManifest,
  encodeTicket,
  fromHex,
  InstarError,
  parseAnnouncement,
  parseBoundedJson,
  parseDescriptor,
  parseManifest,
  parseTicket,
  sha256Hex,
  type Announcement
} from '@instar/core'
import { base58 } from '../base58.js'
import { seed, type Decoder } from '../decoder.js'
import { descriptorAt, manifest, type FuzzedNetwork } from '../network.js'

export const announcement = (network: string, peer: string): Announcement => ({
  format: 1,
  network,
  peer,
  class: 'Set',
  groups: ['north'],
  epoch: 3,
  seq: 7,
  running: { version: 1, chainId: '0123456789abcdef' },
  floor: 1,
  served: [1, 2],
  versions: [{ version: 2, chainId: '0123456789abcdef', phase: 'trial', reason: 'waits' }],
  newest: 2,
  instar: '0.0.0'
})

const peer = '12D3KooWDATEx5tv4wGsV8cocBhca2SD5vUE8WqFzTmoSZoG1tE1'
const limits = { bytesMax: 64 * 1024, depthMax: 10, itemsMax: 2000 }
const addresses = ['/ip4/127.0.0.1/tcp/4101/p2p/' + peer, '/dns4/example.org/tcp/443']

export function coreDecoders({ network }: FuzzedNetwork): readonly Decoder[] {
  const descriptors = [1, 2].map(version => encodeDescriptor(descriptorAt({ network, version, previous: network })))
  const statement = encodeAnnouncement(announcement(network, peer))
  const json = [...descriptors, statement, encodeManifest(manifest), seed([1, [2, { a: 'b' }], null, true, 'é'])]
  const records = [
    { seq: 1, format: 1, type: 'started', body: { epoch: 1 } },
    { seq: 2, format: 1, type: 'phase', body: { version: 2, phase: 'trial', list: [1, 'two', null] } }
  ].map(record => encodeJournalRecord(record))
  return [
    {
      name: 'bounded JSON',
      covers: ['core:parseBoundedJson'],
      seeds: json,
      decode: bytes => parseBoundedJson(bytes, limits)
    },
    { name: 'descriptor', covers: ['core:parseDescriptor'], seeds: descriptors, decode: parseDescriptor },
    {
      name: 'manifest',
      covers: ['core:parseManifest'],
      seeds: [encodeManifest(manifest)],
      decode: bytes => parseManifest(bytes)
    },
    { name: 'announcement', covers: ['core:parseAnnouncement'], seeds: [statement], decode: parseAnnouncement },
    {
      name: 'ticket',
      covers: ['core:parseTicket'],
      seeds: [seed(encodeTicket({ network, addresses }))],
      decode: bytes => parseTicket(Buffer.from(bytes).toString()),
      mayThrow: isBadTicket
    },
    {
      name: 'ticket with its checksum',
      covers: ['core:parseTicket'],
      seeds: [seed({ addresses, network })],
      seal: body => {
        const whole = Buffer.concat([body, fromHex(sha256Hex(body)).subarray(0, 4)])
        // base58 of more takes the fuzzer longer than all the rest.
        return body.length > 1024 ? undefined : Buffer.from(`instar1${base58(whole)}`)
      },
      decode: bytes => parseTicket(Buffer.from(bytes).toString()),
      mayThrow: isBadTicket
    },
    {
      name: 'journal',
      covers: ['core:decodeJournal'],
      seeds: [Buffer.concat(records), Buffer.concat([...records, Buffer.alloc(700)])],
      decode: decodeJournal
    },
    {
      name: 'journal with its checksums',
      covers: ['core:decodeJournal'],
      seeds: [seed('started{"epoch":1}'), seed('phase{"version":2,"list":[1,"two",null]}')],
      seal: sealRecord,
      decode: decodeJournal
    }
  ]
}

function isBadTicket(thrown: unknown): boolean {
  return thrown instanceof InstarError && thrown.code === 'BadTicket'
}

function sealRecord(payload: Uint8Array): Uint8Array {
  const header = Buffer.alloc(24)
  header.writeUInt32BE(payload.length, 0)
  header.writeUInt32BE(crc32c(payload), 4)
  header.writeBigUInt64BE(1n, 8)
  header.writeUInt16BE(1, 16)
  header.writeUInt16BE(payload.indexOf(0x7b) & 0xffff, 18)
  header.writeUInt32BE(crc32c(header.subarray(0, 20)), 20)
  return Buffer.concat([header, payload])
}
