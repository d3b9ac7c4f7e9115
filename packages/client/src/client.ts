import type { Contract, MethodKind, StubOf } from '@instar/simulator-runtime'
import type { ServedContract } from '@instar/simulator-runtime/codec'
import type { Hello, RetryCounters } from '@instar/rpc'

/** What may be said of one call. */
export interface CallOptions {
  /** The whole time for the call, retries included. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** How an object is called. */
export interface ObjectOptions {
  /** The version of the contract: every call carries it (R1). */
  readonly version: number
  /** Default: the client's `timeouts.callMs`. */
  readonly deadlineMs?: number
}

/** A call without a contract, as command lines make it. */
export interface UntypedCall extends CallOptions {
  /** Default: the class that the peer says it runs. */
  readonly className?: string
  /** Default: the version that the peer says it runs. */
  readonly version?: number
  readonly method: string
  readonly args: readonly unknown[]
  /** Absent: not known. A query needs no session; commands of one object share one. */
  readonly kind?: MethodKind
  /** Default true. False: the first error is the answer. */
  readonly retry?: boolean
}

/** Of which class and version the contract is asked for. */
export interface DescribeOptions extends CallOptions {
  /** Default: the class that the peer says it runs. */
  readonly className?: string
  /** Default: the version that the peer says it runs. */
  readonly version?: number
}

/** A peer that the client could call. */
export interface KnownPeer {
  readonly peer: string
  readonly addresses: readonly string[]
  readonly connected: boolean
  /** What it said of itself last. */
  readonly hello?: Hello
}

/** A program that calls the objects of a network without being a peer of it. */
export interface Client {
  readonly network: string
  readonly peerId: string
  /**
   * The object of one peer, as the contract says. Calls are retried until their deadline, and a command runs once however often it is sent (§12).
   *
   * @param peer a peer id, or a multiaddr with `/p2p/<peer id>`
   */
  object<C extends Contract>(contract: C, peer: string, options: ObjectOptions): StubOf<C>
  /**
   * The object of any live peer that serves the version. A call goes to another peer only if the first has certainly not run it, or if it is a query.
   */
  any<C extends Contract>(contract: C, options: ObjectOptions): StubOf<C>
  /** @throws CallError */
  call(peer: string, call: UntypedCall): Promise<unknown>
  /**
   * What one version's contract is at one peer: its methods, and which of them that peer disallows and why (R8). Asked of the object itself,
   * on the way that calls take: where a call would be refused for its version, so is this. @throws CallError
   */
  describe(peer: string, options?: DescribeOptions): Promise<ServedContract>
  /** Peers known now, those of the ticket and those that others named. */
  peers(): readonly KnownPeer[]
  /** Resolves when the peer has said hello. @throws CallError Unreachable */
  hello(peer: string, options?: { signal?: AbortSignal }): Promise<Hello>
  /** Calls, retries and errors by code, since the start. */
  readonly counters: Readonly<RetryCounters>
  /** Ends every call that is under way, and the connections. */
  close(): Promise<void>
}
