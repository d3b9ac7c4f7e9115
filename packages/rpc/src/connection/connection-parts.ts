import { noise, type NoiseComponents } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ConnectionEncrypter, SecuredConnection, StreamMuxerFactory } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { boundFirstBytes } from './first-bytes.js'
import { guardFrames } from './frame-guard.js'
import { connectionLimits } from './limits.js'
import { inOneWrite } from './one-write.js'
import { readByPackets } from './packets.js'
import { sealing } from './sealing.js'
import { holdWindowUpdates } from './window-updates.js'

/**
 * What connections of peers and clients are made of: TCP, Noise, Yamux. On the wire they are what every libp2p speaks; what differs is how many packets, system calls and keys made from
 * bytes one call costs.
 */
export function connectionParts() {
  return {
    transports: [tcp({ dialOpts: socketOptions, listenOpts: socketOptions })],
    connectionEncrypters: [createEncrypter],
    streamMuxers: [createMuxerFactory()]
  }
}

/** Node's own default is less than one large packet, after each of which everything would wait for the socket to drain. */
const socketOptions = { noDelay: true, highWaterMark: 256 * 1024 }

function createEncrypter(components: NoiseComponents): ConnectionEncrypter {
  const encrypter = noise({ crypto: sealing })(components)
  const secureInbound = encrypter.secureInbound.bind(encrypter)
  const secureOutbound = encrypter.secureOutbound.bind(encrypter)
  encrypter.secureInbound = async (connection, options) => tuned(await secureInbound(inOneWrite(connection), options))
  encrypter.secureOutbound = async (connection, options) => tuned(await secureOutbound(inOneWrite(connection), options))
  return encrypter
}

function tuned<T>(secured: SecuredConnection<T>): SecuredConnection<T> {
  return { ...secured, connection: readByPackets(secured.connection) }
}

function createMuxerFactory(): () => StreamMuxerFactory {
  const { inboundStreamsMax, windowBytesMax, unreadBytesMax } = connectionLimits
  const create = yamux({
    maxInboundStreams: inboundStreamsMax,
    streamOptions: { maxStreamWindowSize: windowBytesMax, maxReadBufferLength: unreadBytesMax }
  })
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = connection =>
      boundFirstBytes(createStreamMuxer(guardFrames(holdWindowUpdates(connection))))
    return factory
  }
}
