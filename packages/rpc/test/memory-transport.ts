import type { FrameTransport, TransportEvents } from '../src/index.js'

export interface MemoryTransport extends FrameTransport {
  /** Bytes sent by this end that the other has not read. */
  readonly unread: number
  /** The cable is cut: both ends hear of it. */
  cut(): void
}

/** Two ends of a stream in one process, with a window of so many bytes in each direction. Delivers in a later turn, like a socket. */
export function memoryTransportPair(windowBytes = 256 * 1024): [MemoryTransport, MemoryTransport] {
  const ends: [End, End] = [new End(windowBytes), new End(windowBytes)]
  ends[0].other = ends[1]
  ends[1].other = ends[0]
  return ends
}

class End implements MemoryTransport {
  other!: End
  #events: TransportEvents | undefined
  #paused = false
  #ended = false
  #closed = false
  #full = false
  /** What the other end has sent. */
  #inbox: Uint8Array[] = []

  constructor(readonly windowBytes: number) {}

  get unread(): number {
    return this.other.#inbox.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  }

  listen(events: TransportEvents): void {
    this.#events = events
    setImmediate(() => this.#deliver())
  }

  send(pieces: readonly Uint8Array[]): boolean {
    if (this.#ended || this.#closed) return false
    this.other.#inbox.push(...pieces)
    setImmediate(() => this.other.#deliver())
    this.#full = this.unread >= this.windowBytes
    return !this.#full
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    setImmediate(() => this.#deliver())
  }

  async close(): Promise<void> {
    this.#closed = true
    setImmediate(() => this.other.#deliver())
  }

  abort(error: Error): void {
    this.#end(error)
    this.other.#end(new Error('the other end broke off'))
  }

  cut(): void {
    this.abort(new Error('the cable was cut'))
  }

  #deliver(): void {
    while (!this.#paused && !this.#ended && this.#events !== undefined) {
      const chunk = this.#inbox.shift()
      if (chunk === undefined) {
        if (this.other.#closed) this.#end()
        break
      }
      this.#events.data(chunk)
    }
    if (this.other.#full && this.#inbox.length === 0 && !this.#ended) {
      this.other.#full = false
      this.other.#events?.drain()
    }
  }

  #end(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#inbox = []
    setImmediate(() => this.#events?.end(error))
  }
}
