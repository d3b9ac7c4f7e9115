import { CallError, InstarError, messageOf, parseTicket } from '@instar/core'
import {
  createChannelPool,
  createRetryCounters,
  greet,
  type ChannelLimits,
  type Greeted,
  type Hello
} from '@instar/rpc'
import type { MethodKind } from '@instar/simulator-runtime'
import { contractMethod, parseServedContract, type ServedContract } from '@instar/simulator-runtime/codec'
import type { PrivateKey } from '@libp2p/interface'
import { createAddressBook } from './address-book.js'
import { callAny } from './call-any.js'
import { createCallOne, decodeResult, encodeArguments, type Target } from './call-one.js'
import type { Client, DescribeOptions, ObjectOptions, UntypedCall } from './client.js'
import { createDialler, type Dialler } from './dialler.js'
import { createStub } from './stub.js'

/** Where the network is, and how patient the client is. */
export interface ConnectOptions {
  /** What a peer prints; or `network` and `addresses`. */
  readonly ticket?: string
  readonly network?: string
  /** Multiaddrs with `/p2p/<peer id>`. */
  readonly addresses?: readonly string[]
  /** The client's own key; a new one each time by default. Objects see its id as `ctx.caller`. */
  readonly identity?: PrivateKey
  /** Ends the connecting; to end the client, `close` it. */
  readonly signal?: AbortSignal
  readonly log?: ClientLog
  readonly timeouts?: Partial<ClientTimeouts>
  readonly limits?: Partial<ChannelLimits>
  /** Replaces libp2p, for tests. */
  readonly dialler?: Dialler
}

/** Milliseconds. */
export interface ClientTimeouts {
  /** For the first peer to answer. Default 10 s. */
  readonly connectMs: number
  /** For a call, retries included, where the call says nothing. Default 10 s. */
  readonly callMs: number
  /** How often peers without a connection are tried again. Default 2 s. */
  readonly reconnectMs: number
}

/** The part of pino's Logger that is used. */
export interface ClientLog {
  /** Something for whoever looks for a mistake. */
  debug(detail: object, message: string): void
}

const defaultTimeouts: ClientTimeouts = { connectMs: 10_000, callMs: 10_000, reconnectMs: 2_000 }
const connectionsMax = 32

/**
 * Connects to a network: resolves when the first peer has answered, and stays connected to as many as it hears of, up to 32.
 *
 * @throws InstarError BadTicket, BadInput, WrongNetwork, Unreachable
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { network, addresses } = whereTo(options)
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const dialler = options.dialler ?? (await createDialler(options.identity))
  const client = createClient({ network, dialler, timeouts, options })
  try {
    await client.reachAny(addresses, options.signal)
    return client.client
  } catch (thrown) {
    await client.client.close()
    throw thrown
  }
}

function whereTo({ ticket, network, addresses }: ConnectOptions): { network: string; addresses: readonly string[] } {
  if (ticket !== undefined) return parseTicket(ticket)
  if (network === undefined || addresses === undefined || addresses.length === 0) {
    throw new InstarError('BadInput', 'A client needs a ticket, or a network id and at least one address.')
  }
  return { network, addresses }
}

function createClient(init: { network: string; dialler: Dialler; timeouts: ClientTimeouts; options: ConnectOptions }): {
  client: Client
  reachAny(addresses: readonly string[], signal?: AbortSignal): Promise<void>
} {
  const { network, dialler, timeouts, options } = init
  const book = createAddressBook()
  const counters = createRetryCounters()
  const pool = createChannelPool({ open })
  const one = createCallOne({ pool, counters })
  const hello: Hello = { format: { min: 1, max: 1 }, network, role: 'client', versions: [], instar: '0.0.0' }
  let turn = 0
  const reconnecting = setInterval(reconnect, timeouts.reconnectMs).unref()

  async function open(peer: string, signal: AbortSignal): Promise<Greeted> {
    const addresses = book.of(peer)
    if (addresses.length === 0) throw new InstarError('Unreachable', `no address of ${peer} is known`)
    const { transport } = await dialler.open(addresses, signal)
    const greeted = await greet({
      transport,
      hello,
      name: peer,
      signal,
      onUpdate: learn,
      ...(options.limits && { limits: options.limits })
    })
    learn(greeted.hello)
    return greeted
  }

  function learn({ addresses = [] }: Hello): void {
    for (const address of addresses) book.learn(address)
  }

  function reconnect(): void {
    const missing = book.peers.filter(peer => pool.peek(peer) === undefined)
    for (const peer of missing.slice(0, Math.max(0, connectionsMax - pool.peers().length))) {
      pool.get(peer).catch((thrown: unknown) => {
        options.log?.debug({ peer, cause: messageOf(thrown) }, 'a peer cannot be reached')
      })
    }
  }

  async function reachAny(addresses: readonly string[], signal?: AbortSignal): Promise<void> {
    const peers = addresses.map(address => {
      const peer = book.learn(address)
      if (peer === undefined) throw new InstarError('BadInput', `${address} does not end in /p2p/<peer id>.`)
      return peer
    })
    const timeout = AbortSignal.timeout(timeouts.connectMs)
    const limit = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    try {
      await Promise.any([...new Set(peers)].map(peer => pool.get(peer, { signal: limit })))
    } catch (thrown) {
      throw toConnectError(thrown as AggregateError)
    }
    reconnect()
  }

  /** A peer id as it is; of an address, the id at its end. */
  function peerOf(peerOrAddress: string): string {
    return book.learn(peerOrAddress) ?? peerOrAddress
  }

  function toTarget(
    className: string,
    object: ObjectOptions,
    method: string,
    kind: MethodKind,
    args: readonly unknown[]
  ): Target {
    return { className, version: object.version, method, kind, args, deadlineMs: object.deadlineMs ?? timeouts.callMs }
  }

  /** Live peers of the class: those that serve the version before those that do not say so; each call begins with another one. */
  function candidates(className: string, version: number): readonly string[] {
    const all = book.peers.map(peer => ({ peer, hello: pool.peek(peer)?.hello }))
    const ofClass = all.filter(each => each.hello?.class === undefined || each.hello.class === className)
    const serving = ofClass.filter(
      ({ hello }) => hello?.served !== undefined && hello.served[0] <= version && version <= hello.served[1]
    )
    const live = ofClass.filter(each => each.hello !== undefined && !serving.includes(each))
    const first = serving.length === 0 ? 0 : turn++ % serving.length
    const rest = live.length > 0 || serving.length > 0 ? live : ofClass
    return [...serving.slice(first), ...serving.slice(0, first), ...rest].map(each => each.peer)
  }

  async function untyped(peerOrAddress: string, call: UntypedCall): Promise<unknown> {
    const peer = peerOf(peerOrAddress)
    const deadlineMs = call.deadlineMs ?? timeouts.callMs
    const known =
      call.className === undefined || call.version === undefined ? await client.hello(peer, call) : undefined
    const target: Target = {
      className: call.className ?? known?.class ?? '',
      version: call.version ?? known?.running ?? 1,
      method: call.method,
      args: call.args,
      deadlineMs,
      ...(call.kind && { kind: call.kind }),
      ...(call.signal && { signal: call.signal })
    }
    if (call.retry !== false) return one.call(peer, target)
    return decodeResult(target, await one.send(peer, target, encodeArguments(target), deadlineMs))
  }

  async function describe(peer: string, options: DescribeOptions = {}): Promise<ServedContract> {
    const answer = await untyped(peer, { ...options, method: contractMethod, args: [], kind: 'query' })
    const contract = parseServedContract(answer)
    if (contract !== undefined) return contract
    throw new CallError('OutOfContract', { message: `${peer} described its contract in a way that cannot be read` })
  }

  const client: Client = {
    network,
    peerId: dialler.peerId,
    counters,
    object: (contract, peer, object) => {
      const id = peerOf(peer)
      return createStub(contract, (method, kind, args) =>
        one.call(id, toTarget(contract.name, object, method, kind, args))
      )
    },
    any: (contract, object) =>
      createStub(contract, (method, kind, args) =>
        callAny({
          one,
          counters,
          target: toTarget(contract.name, object, method, kind, args),
          candidates: () => candidates(contract.name, object.version)
        })
      ),
    call: untyped,
    describe,
    hello: async (peer, wait) => (await pool.get(peerOf(peer), wait)).hello,
    peers: () =>
      book.peers.map(peer => {
        const live = pool.peek(peer)
        return { peer, addresses: book.of(peer), connected: live !== undefined, ...(live && { hello: live.hello }) }
      }),
    async close() {
      clearInterval(reconnecting)
      await pool.close()
      await dialler.stop()
    }
  }
  return { client, reachAny }
}

/** One reason for all: another network before anything else, because no retry mends it. */
function toConnectError({ errors }: AggregateError): InstarError {
  const causes = errors.map((each: unknown) => (each instanceof Error && each.cause !== undefined ? each.cause : each))
  const wrong = causes.find(cause => cause instanceof InstarError && cause.code === 'WrongNetwork')
  if (wrong instanceof InstarError) return wrong
  const reasons = causes.map(cause => messageOf(cause)).join('; ')
  return new InstarError('Unreachable', `No peer of the network answered: ${reasons.slice(0, 1000)}`, {
    cause: causes[0]
  })
}
