import type { Stream } from '@libp2p/interface'
import { messageOf } from '@instar/core'
import { Uint8ArrayList } from 'uint8arraylist'
import { connectionLimits } from '../connection/limits.js'
import type { FrameTransport, TransportEvents } from './frame-transport.js'

/**
 * A libp2p stream as a transport. Backpressure is `pause`/`resume` (which stop the window updates of the muxer); `for await` and the byte-stream
 * helpers of libp2p have none, or reset the stream when the reader is slow.
 */
export function fromLibp2pStream(stream: Stream): FrameTransport {
  let events: TransportEvents | undefined
  let ended = false

  function end(error?: Error): void {
    if (ended) return
    ended = true
    events?.end(error)
  }

  function onDrain(): void {
    // The stream sends what it holds in a microtask that it queued before this listener ran, and may be full again after it.
    queueMicrotask(() => {
      if (!ended && !stream.writableNeedsDrain) events?.drain()
    })
  }

  return {
    listen(listener) {
      events = listener
      // While paused, the other end may still send what its window allows; the default bound is smaller and would reset the stream.
      stream.maxReadBufferLength = Math.max(stream.maxReadBufferLength, windowBytesMax)
      stream.addEventListener('message', event => events?.data(event.data))
      stream.addEventListener('drain', onDrain)
      // The other end sends nothing more; a channel needs both directions.
      stream.addEventListener('end', () => end())
      stream.addEventListener('close', event => end(event.error))
      if (stream.status !== 'open' || stream.readableEnded) queueMicrotask(() => end())
    },
    send(pieces) {
      try {
        return stream.send(new Uint8ArrayList(...pieces))
      } catch (thrown) {
        // The stream has been closed under us; its close event may have come already.
        queueMicrotask(() => end(thrown instanceof Error ? thrown : new Error(messageOf(thrown))))
        return false
      }
    },
    pause() {
      if (stream.readStatus === 'readable') stream.pause()
    },
    resume() {
      if (stream.readStatus === 'paused') stream.resume()
    },
    async close() {
      if (stream.status !== 'open') return
      const closed = new Promise<void>(resolve => {
        stream.addEventListener('close', () => resolve())
        // The other end may take no more bytes, or never close its half.
        setTimeout(() => {
          stream.abort(new Error('the other end did not close the stream'))
        }, closeTimeoutMs).unref()
      })
      await stream.close({ signal: AbortSignal.timeout(closeTimeoutMs) })
      await closed
    },
    abort(error) {
      stream.abort(error)
      queueMicrotask(() => end(error))
    }
  }
}

/** The largest window of the muxer, and a frame. */
const windowBytesMax = connectionLimits.windowBytesMax + 64 * 1024

const closeTimeoutMs = 2_000
