/**
 * How much one other program, and all of them together, can make a peer hold, compute or wait for, in one place. docs/protocol/limits.md is the table of them, those of single messages and of
 * a connection's frames included. Every number is far above what honest peers need, so that none has to be tuned to run a network; raising one trades memory or time for throughput.
 */
const mebibyte = 1024 * 1024

/** Frozen, and of numbers rather than of these very numbers, so that tests may ask for others. */
function limits<T extends object>(numbers: T): Readonly<T> {
  return Object.freeze(numbers)
}

export const connectionLimits = limits({
  /** Connections in all; a peer looks for eight neighbours, and the others are those who found it, and clients. Beyond it the newest of the host that has most goes. */
  openMax: 300,
  /** Connections of one peer id: two when both ends dial at once, and as many that are not known to be dead yet. Beyond it its oldest goes. */
  perPeerMax: 4,
  /** Connections whose handshake is under way. Each is a socket and some kilobytes. */
  pendingMax: 256,
  /** Of these, those of one host: so that one that never shakes hands keeps nobody else out. */
  pendingPerHostMax: 16,
  /** New connections of one host in a second, and at once: each costs a key exchange, a millisecond or two. Many programs behind one address may start together. */
  perHostPerSecond: 10,
  perHostAtOnce: 100,
  /** On one machine, where hosts cannot be told apart. */
  sameHost: limits({ pendingMax: 500, perHostPerSecond: 10_000 }),
  handshakeMs: 10_000,
  /** Neighbours that were here first and keep their place whoever comes; so do all that this peer dialled itself. */
  protectedMax: 32
})

export const sendOffLimits = limits({
  /** For what no honest peer does. Twice as long each time, up to `longestMs` and sixteen times. */
  liarMs: 10 * 60_000,
  longestMs: 60 * 60_000,
  peersMax: 1000
})

export const gossipLimits = limits({
  /** Read of one neighbour in a second, and at once. A network of 20,000 peers says 20 KiB a second, in an upgrade five times that. Beyond it the neighbour waits: nothing is lost. */
  bytesPerSecond: mebibyte / 4,
  bytesAtOnce: 4 * mebibyte,
  /** How far ahead of that one neighbour may send: what is held of it while it waits. */
  windowBytesMax: mebibyte / 2,
  /** One message of gossipsub's own: what was asked for with one IWANT comes in one. */
  rpcBytesMax: mebibyte,
  /** Waiting for a neighbour that does not read: then its stream is cut, and sync brings it what it lacks. */
  unsentBytesMax: 4 * mebibyte,
  /** Messages that are judged at once, of one neighbour and of all. */
  judgingPerPeerMax: 16,
  judgingMax: 64,
  /** Messages of one neighbour that wait for that; more are ignored. They wait when the disk is slow. */
  waitingPerPeerMax: 1024,
  waitingBytesPerPeerMax: 2 * mebibyte,
  /** Messages that wait for a pull (§5), of one neighbour and of all, and how long. Each is being judged all that time, so they are half of what may be. */
  heldPerPeerMax: 4,
  heldMax: 32,
  heldBytesMax: mebibyte / 2,
  heldMs: 20_000,
  /** A neighbour is sent off for more rejected messages than this; one is forgiven a minute. */
  rejectsMax: 6
})

export const syncLimits = limits({
  /** Exchanges that are answered at once, of one peer and of all. Those with peers that this one dialled itself have some places to themselves. */
  servedPerPeerMax: 2,
  servedMax: 32,
  servedDialledMax: 8,
  /** An exchange that has lasted so long gives its place to another when all are taken. Most last some milliseconds. */
  servedLongMs: 5000,
  /** Exchanges of one peer that are answered in a minute, and at once. It begins one a minute, and one for each piece of news. */
  servedPerMinute: 120,
  servedAtOnce: 60,
  /** Bytes that one peer is answered with in a minute, and at once: a network of 10,000 versions has some 50 MiB of documents. */
  servedBytesPerMinute: 64 * mebibyte,
  servedBytesAtOnce: 256 * mebibyte,
  /** Exchanges that this peer has under way. */
  pullsMax: 8,
  /** Of one exchange; what is left comes with the next. */
  pulledBytesMax: 64 * mebibyte,
  pagesMax: 1000,
  /** One message, from its first byte to its last; and a whole exchange. */
  messageMs: 10_000,
  exchangeMs: 60_000,
  /** A peer that claims news and has none, or none that verifies, is asked again only after this; twice as long each time. */
  doubtFirstMs: 1000,
  doubtLongestMs: 60_000,
  /** A peer that stalled is left for this long: it may be busy with an upgrade of its own. */
  stalledMs: 5000
})

export const bundleLimits = limits({
  /** Streams of one peer on which chunks are asked of this one; beyond it its oldest is closed. A peer opens one for each bundle that it fetches. */
  streamsPerPeerMax: 4,
  /** Chunks of one peer and of all that are read and sent at once; further requests are answered `Busy`. */
  servingPerPeerMax: 8,
  servingMax: 64,
  /** Bytes that wait for one peer and for all to read them. Beyond it, a slow reader is cut off: for all, the one for whom most waits. */
  waitingBytesPerPeerMax: 8 * mebibyte,
  waitingBytesMax: 64 * mebibyte,
  /** A peer that gave other bytes than it was asked for is asked for no bundle for this long. */
  liarMs: 10 * 60_000
})
