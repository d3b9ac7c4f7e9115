import { CallError } from '@instar/core'
import {
  connectionParts,
  createChannelPool,
  encodeHello,
  fromLibp2pStream,
  greet,
  rpcProtocol,
  type CallHeader,
  type Hello
} from '@instar/rpc'
import { decodeValue, encodeValue } from '@instar/simulator-runtime/codec'
import type { PrivateKey } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'

export const network = 'ab'.repeat(32)

export interface FakePeer {
  readonly peerId: string
  readonly address: string
  /** Every call that was not answered by an error of `refuse`, in order. */
  readonly executed: { readonly header: CallHeader; readonly args: unknown }[]
  /** Asked before each call; what it returns is thrown, and nothing is executed. */
  refuse: (header: CallHeader) => CallError | undefined
  /** Asked after each call; what it returns is thrown instead of the answer. */
  loseAnswer: (header: CallHeader) => CallError | undefined
  /** Cuts all streams without a goodbye. */
  cut(): void
  tell(hello: Partial<Hello>): void
  stop(): Promise<void>
}

/** A peer over real libp2p on loopback that remembers calls, answers them with their arguments, and runs a repeated request once. */
export async function startFakePeer(
  init: Partial<Hello> & { identity?: PrivateKey; port?: number } = {}
): Promise<FakePeer> {
  const { identity, port = 0, ...fields } = init
  let hello: Hello = {
    format: { min: 1, max: 1 },
    network,
    role: 'peer',
    class: 'set',
    running: 1,
    served: [1, 1],
    versions: [],
    instar: '0.0.0',
    ...fields
  }
  const node = await createLibp2p({
    ...(identity && { privateKey: identity }),
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
    ...connectionParts(),
    connectionMonitor: { enabled: false }
  })
  const pool = createChannelPool({ open: () => Promise.reject(new Error('a fake peer dials nobody')) })
  const answers = new Map<string, Uint8Array>()
  const peer: FakePeer = {
    peerId: node.peerId.toString(),
    address: String(node.getMultiaddrs()[0]),
    executed: [],
    refuse: () => undefined,
    loseAnswer: () => undefined,
    cut: () => pool.all().forEach(({ channel }) => channel.abort('cut')),
    tell(change) {
      hello = { ...hello, ...change }
      for (const { channel } of pool.all()) channel.sendHello(encodeHello(hello))
    },
    async stop() {
      await pool.close()
      await node.stop()
    }
  }

  async function answer(header: CallHeader, body: Uint8Array): Promise<Uint8Array> {
    const refusal = peer.refuse(header)
    if (refusal !== undefined) throw refusal
    const key = `${header.session} ${header.seq}`
    let result = header.session === undefined ? undefined : answers.get(key)
    if (result === undefined) {
      const args = decodeValue(body)
      peer.executed.push({ header, args })
      result = encodeValue(args)
      answers.set(key, result)
    }
    const lost = peer.loseAnswer(header)
    if (lost !== undefined) throw lost
    return result
  }

  await node.handle(rpcProtocol, async (stream, connection) => {
    const caller = connection.remotePeer.toString()
    try {
      pool.add(caller, await greet({ transport: fromLibp2pStream(stream), hello, onCall: answer }))
    } catch {
      // The caller was told; the test looks at its side.
    }
  })
  return peer
}

/** Refuses the first so many calls. */
export function firstTimes(times: number, error: ConstructorParameters<typeof CallError>): () => CallError | undefined {
  let left = times
  return () => (left-- > 0 ? new CallError(...error) : undefined)
}
