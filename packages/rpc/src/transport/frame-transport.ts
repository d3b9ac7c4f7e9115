/** What a transport hands to the channel; the list is libp2p's `Uint8ArrayList`, named by shape. */
export type Chunk = Uint8Array | (Iterable<Uint8Array> & { readonly byteLength: number })

export interface TransportEvents {
  data(chunk: Chunk): void
  /** After `send` answered false: there is room again. */
  drain(): void
  /** The last event: nothing more will be read. `error` is set when the other end or the network broke it off. */
  end(error?: Error): void
}

/** An ordered, reliable stream of bytes in both directions with real backpressure; adapters in this folder. */
export interface FrameTransport {
  /** Called once, before anything else; data that came earlier is delivered after it. */
  listen(events: TransportEvents): void
  /**
   * Takes the bytes in any case, as pieces that follow each other and must not change any more; false asks to wait for `drain`. Never throws: a broken
   * transport ends with `end`.
   */
  send(pieces: readonly Uint8Array[]): boolean
  /** Stops `data` until `resume`; the other end's sending comes to a stop with it. */
  pause(): void
  resume(): void
  /** Delivers what was sent, then ends this direction. */
  close(): Promise<void>
  /** Breaks both directions off at once. */
  abort(error: Error): void
}
