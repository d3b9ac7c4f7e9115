export { callHeaderBytesMax, decodeCallHeader, encodeCallHeader, type CallHeader } from './call/call-header.js'
export { decodeFailure, encodeFailure } from './call/failure.js'
export type { CallHandler, Cancellation, IncomingCall } from './channel/call-handler.js'
export {
  createChannel,
  type Channel,
  type ChannelCounters,
  type ChannelEnd,
  type ChannelEndCode,
  type ChannelInit,
  type RequestOptions
} from './channel/channel.js'
export type { Goodbye } from './channel/goodbye.js'
export { createCallerQuotas, type CallerLimits, type CallerQuotas } from './channel/caller-quotas.js'
export { defaultChannelLimits, type ChannelLimits } from './channel/limits.js'
export { connectionParts } from './connection/connection-parts.js'
export { greet, type Greeted, type GreetInit } from './hello/greet.js'
export { encodeHello, helloAddressesMax, helloVersionsMax, parseHello, type Hello } from './hello/hello.js'
export { createChannelPool, type ChannelPool, type ChannelPoolInit } from './pool/channel-pool.js'
export {
  callWithRetry,
  createRetryCounters,
  type Attempt,
  type RetryCounters,
  type RetryInit
} from './retry/call-with-retry.js'
export { createCallerSessions } from './retry/caller-sessions.js'
export { createSession, type RequestId, type Session, type SessionRequest } from './retry/session.js'
export type { Chunk, FrameTransport, TransportEvents } from './transport/frame-transport.js'
export { fromLibp2pStream } from './transport/libp2p-stream.js'
export { fromSocket } from './transport/socket.js'

/** The protocol id of calls between peers; its number changes with what older releases could not read (§16). */
export const rpcProtocol = '/instar/rpc/1'
