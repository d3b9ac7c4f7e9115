import { createHash } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { crc32c, encodeAnnouncement, InstarError, type Announcement } from '@instar/core'
import { headsOf } from '@instar/signer'
import { readLine } from '../../../packages/node/dist/audit/audit-line.js'
import { parseFaults } from '../../../packages/node/dist/engine/faults.js'
import { parseReport } from '../../../packages/node/dist/host/watch-report.js'
import {
  openAnnouncement,
  readStoredAnnouncement,
  sealAnnouncement
} from '../../../packages/node/dist/overlay/announcement-envelope.js'
import { decodeContainer, encodeContainer } from '../../../packages/node/dist/overlay/container.js'
import { parseOfflineHeader } from '../../../packages/node/dist/mirror/offline-record.js'
import { composeHeadMessage, readHeadMessage } from '../../../packages/node/dist/overlay/head-message.js'
import { decodeRecord, encodeRecord } from '../../../packages/node/dist/store/stored-record.js'
import { decodeMessage, encodeMessage } from '../../../packages/node/dist/sync/messages.js'
import { base58 } from '../base58.js'
import { seed, type Decoder } from '../decoder.js'
import { bytesOf } from '../keys.js'
import type { FuzzedNetwork } from '../network.js'
import { announcement } from './core.js'

export async function nodeDecoders(net: FuzzedNetwork): Promise<readonly Decoder[]> {
  const { network, state, documents } = net
  const identity = await generateKeyPairFromSeed('Ed25519', bytesOf('a peer'))
  // libp2p's id of a peer with an Ed25519 key: the key itself, as protobuf, behind the header of an identity multihash.
  const peer = base58(Buffer.concat([Buffer.from('002408011220', 'hex'), identity.publicKey.raw]))
  const statement = encodeAnnouncement(announcement(network, peer))
  const sealed = async (payload: Uint8Array): Promise<Uint8Array | undefined> => {
    try {
      return await sealAnnouncement(JSON.parse(Buffer.from(payload).toString()) as Announcement, identity)
    } catch {
      // No canonical form: the decoder of announcements gets such bytes as they are.
      return undefined
    }
  }
  const envelope = await sealAnnouncement(announcement(network, peer), identity)
  const heads = headsOf(state)
  const messages = [
    encodeMessage({
      type: 'hello',
      network,
      version: 1,
      chainId: '0123456789abcdef',
      heads,
      peers: [{ peer, addresses: ['/ip4/127.0.0.1/tcp/1'], lastSeenMs: 1 }],
      known: [[peer, 1, 2]],
      announcements: [envelope],
      ages: [7],
      certificates: [Buffer.from('{}')]
    }),
    encodeMessage({ type: 'pull', heads }),
    encodeMessage({ type: 'documents', documents })
  ]
  const headMessage = composeHeadMessage(state)
  const opened = async (bytes: Uint8Array) => [
    (await openAnnouncement(bytes, network)).verdict,
    readStoredAnnouncement(bytes)
  ]
  return [
    {
      name: 'header in an offline file',
      covers: ['node:parseOfflineHeader'],
      seeds: [
        { kind: 'index', network, from: 1, to: 2, made: '2030-01-01T00:00:00.000Z', bundles: [network] },
        { kind: 'document' },
        { kind: 'manifest', bundle: network },
        { kind: 'chunk', bundle: network, path: 'a/b.js', chunk: 0 },
        { kind: 'end', records: 4, sha256: network }
      ].map(seed),
      decode: parseOfflineHeader
    },
    {
      name: 'container',
      covers: ['node:decodeContainer'],
      seeds: [...messages, encodeContainer({}, [])],
      decode: decodeContainer
    },
    { name: 'sync message', covers: ['node:decodeMessage'], seeds: messages, decode: decodeMessage },
    {
      name: 'sync message with its length',
      covers: ['node:decodeMessage'],
      seeds: messages.map(each => headerOf(each)),
      seal: header => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(header.length)
        return Buffer.concat([length, header])
      },
      decode: decodeMessage
    },
    {
      name: 'head message',
      covers: ['node:readHeadMessage'],
      seeds: [headMessage],
      decode: bytes => {
        const container = decodeContainer(bytes)
        return container.verdict === 'accept' ? readHeadMessage(container.value) : container
      }
    },
    {
      name: 'announcement envelope',
      covers: ['node:openAnnouncement', 'node:readStoredAnnouncement'],
      seeds: [envelope],
      decode: opened
    },
    {
      name: 'announcement envelope by its peer',
      covers: ['node:openAnnouncement', 'node:readStoredAnnouncement'],
      seeds: [statement],
      seal: sealed,
      decode: opened
    },
    ...diskDecoders(heads)
  ]
}

/** Without its parts. */
function headerOf(message: Uint8Array): Uint8Array {
  const header = Buffer.from(message)
    .subarray(4, 4 + Buffer.from(message).readUInt32BE(0))
    .toString()
  return seed(header.replace(/"parts":\[[\d,]*\]/, '"parts":[]'))
}

/** What the peer itself wrote, and a disk or another program may have changed. */
function diskDecoders(heads: object): readonly Decoder[] {
  const key = 'trusted'
  const open = seed({ seq: 1, at: '2026-01-31T12:00:00.000Z', event: 'trusted', role: 'targets', version: 2 }).subarray(
    0,
    -1
  )
  const before = { hash: '0'.repeat(64) }
  const line = lineOf(before.hash, open)
  const report = { type: 'stalled', silentMs: 10_000, frames: [{ function: 'insert', of: 'Set' }] }
  return [
    {
      name: 'stored record',
      covers: ['node:decodeRecord'],
      seeds: [encodeRecord(key, { heads: JSON.parse(JSON.stringify(heads)) as never }, bytesOf('body'))],
      decode: bytes => decodeRecord(key, bytes)
    },
    {
      name: 'stored record with its checksum',
      covers: ['node:decodeRecord'],
      seeds: [Buffer.concat([Buffer.from([0, 0, 0, 7]), seed({ a: 1 }), bytesOf('body')])],
      seal: rest => {
        const format = Buffer.from([0, 1])
        const sum = Buffer.alloc(4)
        sum.writeUInt32BE(crc32c(Buffer.from(key), format, rest))
        return Buffer.concat([format, sum, rest])
      },
      decode: bytes => decodeRecord(key, bytes)
    },
    {
      name: 'audit line',
      covers: ['node:readLine'],
      seeds: [line],
      decode: bytes => readLine(before, Buffer.from(bytes))
    },
    {
      name: 'audit line with its hash',
      covers: ['node:readLine'],
      seeds: [open],
      seal: text => lineOf(before.hash, text),
      decode: bytes => readLine(before, Buffer.from(bytes))
    },
    {
      name: "report of a host's watch",
      covers: ['node:parseReport'],
      seeds: [seed(report), seed({ ...report, type: 'memory', usedMiB: 1, limitMiB: 2 })],
      decode: bytes => parseReport(Buffer.from(bytes).toString())
    },
    {
      name: 'fault words',
      covers: ['node:parseFaults'],
      seeds: [seed('kill:after:transforming@2,kill-host:after:command:3')],
      decode: bytes =>
        parseFaults(Buffer.from(bytes).toString(), { kill: () => false, tell: () => undefined })?.hostDiesAfterCommand,
      mayThrow: thrown => thrown instanceof InstarError && thrown.code === 'BadInput'
    }
  ]
}

function lineOf(before: string, open: Uint8Array): Buffer {
  const hash = createHash('sha256').update(before).update(open).digest('hex')
  return Buffer.concat([open, Buffer.from(`,"hash":"${hash}"}`)])
}
