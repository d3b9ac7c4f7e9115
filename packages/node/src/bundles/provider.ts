import { CallError } from '@instar/core'
import { createChannel, fromLibp2pStream } from '@instar/rpc'
import type { Overlay } from '../overlay/overlay.js'
import type { ChunkRef } from './bundle-folder.js'
import {
  bundleClass,
  bundleFrameBytesMax,
  bundleProtocol,
  encodeChunkRequest,
  encodeManifestRequest
} from './bundle-server.js'

/** A peer that may have a bundle, with a stream to it. */
export interface Provider {
  readonly peer: string
  /** Whether there is a stream to it; waits for the answer. */
  reached(): Promise<boolean>
  /** False once it was closed: it is left alone until the next round. */
  readonly open: boolean
  /** Undefined: it does not have it, or did not answer in time. */
  manifest(bundle: string): Promise<Uint8Array | undefined>
  chunk(bundle: string, ref: ChunkRef): Promise<Uint8Array | undefined>
  /** A chunk of it was right. */
  noteGift(): void
  /** Whether one was. */
  gave(): boolean
  close(): void
}

export interface ProviderInit {
  readonly overlay: Pick<Overlay, 'openStream'>
  readonly peer: string
  readonly limits: { readonly stallMs: number; readonly window: number }
  readonly signal: AbortSignal
}

/** Connects at once, without waiting for it. */
export function connectProvider({ overlay, peer, limits, signal }: ProviderInit): Provider {
  const opening = AbortSignal.any([signal, AbortSignal.timeout(limits.stallMs)])
  let usable = true
  let given = false
  const connecting = overlay.openStream(peer, bundleProtocol, { signal: opening }).then(
    stream =>
      createChannel({
        transport: fromLibp2pStream(stream),
        name: `bundles of ${peer}`,
        limits: { frameBytesMax: bundleFrameBytesMax, stallMs: limits.stallMs }
      }),
    () => undefined
  )

  async function ask(method: string, body: Uint8Array): Promise<Uint8Array | undefined> {
    const channel = await connecting
    const header = { version: 1, className: bundleClass, method, seq: 0, doneBelow: 0, remainingMs: limits.stallMs }
    try {
      const answer = await channel?.request(header, body, { signal })
      if (answer !== undefined && answer.byteLength > 0) return answer
    } catch (thrown) {
      if (!(thrown instanceof CallError)) throw thrown
      // Stalled, gone, or busy with others: whoever is left gives the chunk.
    }
    return undefined
  }

  return {
    peer,
    reached: async () => (await connecting) !== undefined,
    get open() {
      return usable
    },
    manifest: bundle => ask('manifest', encodeManifestRequest(bundle)),
    chunk: (bundle, { path, chunk }) => ask('chunk', encodeChunkRequest({ bundle, path, chunk })),
    noteGift() {
      given = true
    },
    gave: () => given,
    close() {
      usable = false
      void connecting.then(channel => channel?.close())
    }
  }
}
