import type { FrameTransport } from '../transport/frame-transport.js'

export interface OutgoingFrame {
  head: Uint8Array
  body: Uint8Array | undefined
  /** `queued`: not a byte of it has left, it can still be dropped. */
  state: 'queued' | 'sent' | 'dropped'
}

export interface Outbox {
  /** Queues a frame; all frames of a tick go out together. `body` must not change any more. */
  push(head: Uint8Array, body?: Uint8Array): OutgoingFrame
  /** Takes back a frame of which nothing has left; false if it is too late. */
  drop(frame: OutgoingFrame): boolean
  /** The transport has room again. */
  drained(): void
  /** Resolves when everything queued has been handed to the transport, or the outbox was cleared. */
  idle(): Promise<void>
  clear(): void
  readonly bytes: number
  /** When the transport last became full; undefined while it takes bytes. */
  readonly fullSince: number | undefined
  readonly sends: number
  readonly frames: number
  readonly bytesSent: number
}

export interface OutboxInit {
  readonly transport: FrameTransport
  readonly sendBytes: number
  readonly now: () => number
  /** Whether more frames are to be expected in this tick, so that waiting for its end saves sends. */
  readonly isBusy: () => boolean
  /** Fewer bytes wait than before. */
  readonly onFlushed: () => void
}

/**
 * The frames that wait to be sent. A send costs one encryption and one header of the muxer however small it is, so all frames of a tick are put
 * together, up to `sendBytes`; a longer one is cut, so that other streams of the connection get their turn.
 */
export function createOutbox(init: OutboxInit): Outbox {
  const { transport, sendBytes, now } = init
  let queue: OutgoingFrame[] = []
  let first = 0
  /** Bytes of the first frame that have left. */
  let offset = 0
  let bytes = 0
  let scheduled = false
  let fullSince: number | undefined
  let sends = 0
  let frames = 0
  let bytesSent = 0
  let waiting: Array<() => void> = []

  function schedule(): void {
    if (scheduled || fullSince !== undefined) return
    scheduled = true
    // A lone call goes out at once; with many under way the others of this tick are worth waiting for.
    if (init.isBusy()) setImmediate(flush)
    else queueMicrotask(flush)
  }

  function flush(): void {
    scheduled = false
    while (bytes > 0 && fullSince === undefined) {
      const total = Math.min(bytes, sendBytes)
      const batch = takeBatch(total)
      sends++
      bytesSent += total
      if (!transport.send(batch)) fullSince = now()
    }
    if (bytes === 0 && waiting.length > 0) {
      const done = waiting
      waiting = []
      for (const resolve of done) resolve()
    }
    init.onFlushed()
  }

  /** The next bytes of the queue. */
  function takeBatch(total: number): readonly Uint8Array[] {
    const batch = new Batch()
    let taken = 0
    while (taken < total) {
      const frame = queue[first] as OutgoingFrame
      if (frame.state === 'queued') {
        frame.state = 'sent'
        frames++
      }
      const { head, body } = frame
      const length = head.byteLength + (body?.byteLength ?? 0)
      const end = Math.min(length, offset + total - taken)
      if (offset < head.byteLength) batch.add(head, offset, Math.min(end, head.byteLength))
      if (body !== undefined && end > head.byteLength) {
        batch.add(body, Math.max(0, offset - head.byteLength), end - head.byteLength)
      }
      taken += end - offset
      offset = end
      if (offset === length) {
        first++
        offset = 0
      }
    }
    bytes -= total
    forgetSent()
    return batch.pieces()
  }

  function forgetSent(): void {
    if (first === queue.length) {
      queue = []
      first = 0
    } else if (first > 1024) {
      queue = queue.slice(first)
      first = 0
    }
  }

  return {
    push(head, body) {
      const frame: OutgoingFrame = { head, body, state: 'queued' }
      queue.push(frame)
      bytes += head.byteLength + (body?.byteLength ?? 0)
      schedule()
      return frame
    },
    drop(frame) {
      if (frame.state !== 'queued') return false
      bytes -= frame.head.byteLength + (frame.body?.byteLength ?? 0)
      frame.state = 'dropped'
      frame.head = nothing
      frame.body = undefined
      return true
    },
    drained() {
      if (fullSince === undefined) return
      fullSince = undefined
      flush()
    },
    idle() {
      return bytes === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve))
    },
    clear() {
      for (let i = first; i < queue.length; i++) {
        const frame = queue[i] as OutgoingFrame
        if (frame.state === 'queued') frame.state = 'dropped'
      }
      queue = []
      first = 0
      offset = 0
      bytes = 0
      flush()
    },
    get bytes() {
      return bytes
    },
    get fullSince() {
      return fullSince
    },
    get sends() {
      return sends
    },
    get frames() {
      return frames
    },
    get bytesSent() {
      return bytesSent
    }
  }
}

/** Puts small pieces together; a large one goes as it is: to copy it would cost more than to send one piece more. */
class Batch {
  readonly #pieces: Uint8Array[] = []
  #small: Uint8Array[] = []

  add(source: Uint8Array, from: number, to: number): void {
    const piece = from === 0 && to === source.byteLength ? source : source.subarray(from, to)
    if (piece.byteLength < passedOnBytesMin) {
      this.#small.push(piece)
      return
    }
    this.#joinSmall()
    this.#pieces.push(piece)
  }

  pieces(): readonly Uint8Array[] {
    this.#joinSmall()
    return this.#pieces
  }

  #joinSmall(): void {
    const [only, ...others] = this.#small
    if (only === undefined) return
    this.#pieces.push(others.length === 0 ? only : Buffer.concat(this.#small))
    this.#small = []
  }
}

const passedOnBytesMin = 16 * 1024

const nothing = new Uint8Array(0)
