import { chunkBytes, manifestBytesMax } from '@instar/core'
import type { Stream } from '@libp2p/interface'
import { createChannel, fromLibp2pStream, type CallHandler, type Channel } from '@instar/rpc'
import { fromString, toString } from 'uint8arrays'
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

/** Chunks of one peer that are read and sent at once; its further requests are answered `Busy`, and its socket slows it down. */
const servingMax = 8
const servingBytesMax = 64 * 1024
const queuedBytesMax = 4 * 1024 * 1024

/** Answers peers that ask for what is here. One stream for each peer: a second one replaces the first. */
export function createBundleServer(store: Pick<BundleStore, 'manifestBytes' | 'readChunk'>): BundleServer {
  const channels = new Map<string, Channel>()
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
      channels.get(peer)?.abort('replaced by a newer stream of the same peer')
      const channel = createChannel({
        transport: fromLibp2pStream(stream),
        name: `bundles for ${peer}`,
        onCall,
        limits: { servingMax, frameBytesMax: bundleFrameBytesMax, servingBytesMax, queuedBytesMax, silenceMs: 60_000 }
      })
      channels.set(peer, channel)
      void channel.closed.then(() => {
        if (channels.get(peer) === channel) channels.delete(peer)
      })
    },
    async close() {
      await Promise.all([...channels.values()].map(channel => channel.close()))
    }
  }
}
