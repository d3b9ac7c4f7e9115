import { chunkBytes, manifestBytesMax } from '@instar/core'
import type { Stream } from '@libp2p/interface'
import { createCallerQuotas, createChannel, fromLibp2pStream, type CallHandler, type Channel } from '@instar/rpc'
import { fromString, toString } from 'uint8arrays'
import { bundleLimits } from '../overlay/limits.js'
import type { Refusals } from '../overlay/refusals.js'
import type { BundleStore } from './bundle-store.js'

/**
 * `/instar/bundle/1`: frames of calls (see the rpc package) with two methods, `manifest` and `chunk`. What is asked for stands in the
 * body as text, the answer is the bytes themselves, and an empty answer means that it is not here: neither of the two is ever empty.
 */
export const bundleProtocol = '/instar/bundle/1'
export const bundleClass = 'bundle'
/** The longest answer, and the head of its frame. */
export const bundleFrameBytesMax = Math.max(manifestBytesMax, chunkBytes) + 1024

export interface BundleRequest {
  readonly bundle: string
  readonly path: string
  readonly chunk: number
}

export function encodeManifestRequest(bundle: string): Uint8Array {
  return fromString(bundle, 'utf8')
}

export function encodeChunkRequest({ bundle, chunk, path }: BundleRequest): Uint8Array {
  return fromString(`${bundle} ${chunk} ${path}`, 'utf8')
}

const manifestRequest = /^([0-9a-f]{64})$/
const chunkRequest = /^([0-9a-f]{64}) (\d{1,6}) (.{1,200})$/

export interface BundleServer {
  serve(stream: Stream, peer: string): void
  close(): Promise<void>
}

const servingBytesMax = 64 * 1024
const queuedBytesMax = 4 * 1024 * 1024

/** Answers peers that ask for what is here. Few streams for each peer: a further one replaces its oldest. */
export function createBundleServer(
  store: Pick<BundleStore, 'manifestBytes' | 'readChunk'>,
  refusals?: Refusals
): BundleServer {
  const { streamsPerPeerMax, servingPerPeerMax, servingMax, waitingBytesPerPeerMax, waitingBytesMax } = bundleLimits
  const quotas = createCallerQuotas({
    limits: {
      servingMax: servingPerPeerMax,
      servingAllMax: servingMax,
      bytesMax: waitingBytesPerPeerMax,
      bytesAllMax: waitingBytesMax
    },
    onRefused: (peer, reason) => refusals?.count('bundle', reason, peer)
  })
  /** Of each peer, the oldest first. */
  const channels = new Map<string, Set<Channel>>()
  const nothing = new Uint8Array()

  const onCall: CallHandler = async ({ method }, body) => {
    const text = toString(body.subarray(0, 400), 'utf8')
    if (method === 'manifest') {
      const bundle = manifestRequest.exec(text)?.[1]
      return (bundle && (await store.manifestBytes(bundle))) || nothing
    }
    const [, bundle, chunk, path] = chunkRequest.exec(text) ?? []
    if (method !== 'chunk' || bundle === undefined || path === undefined) return nothing
    return (await store.readChunk(bundle, path, Number(chunk))) ?? nothing
  }

  return {
    serve(stream, peer) {
      const ofPeer = channels.get(peer) ?? new Set()
      const [oldest] = ofPeer
      if (ofPeer.size >= streamsPerPeerMax) oldest?.abort('replaced by a newer stream of the same peer')
      const channel = createChannel({
        transport: fromLibp2pStream(stream),
        name: peer,
        quotas,
        onCall,
        limits: {
          servingMax: servingPerPeerMax,
          frameBytesMax: bundleFrameBytesMax,
          servingBytesMax,
          queuedBytesMax,
          silenceMs: 60_000
        }
      })
      channels.set(peer, ofPeer.add(channel))
      void channel.closed.then(() => {
        ofPeer.delete(channel)
        if (ofPeer.size === 0 && channels.get(peer) === ofPeer) channels.delete(peer)
      })
    },
    async close() {
      await Promise.all([...channels.values()].flatMap(ofPeer => [...ofPeer].map(channel => channel.close())))
    }
  }
}
