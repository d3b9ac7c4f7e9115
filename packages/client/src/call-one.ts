import { CallError } from '@instar/core'
import {
  callWithRetry,
  createCallerSessions,
  createSession,
  type CallHeader,
  type ChannelPool,
  type Hello,
  type RequestId,
  type RetryCounters,
  type Session
} from '@instar/rpc'
import type { MethodKind } from '@instar/simulator-runtime'
import { decodeValue, encodeValue } from '@instar/simulator-runtime/codec'

export interface Target {
  readonly className: string
  readonly version: number
  readonly method: string
  readonly args: readonly unknown[]
  /** Absent: not known. */
  readonly kind?: MethodKind
  readonly deadlineMs: number
  readonly signal?: AbortSignal
}

/** One request to one peer, and the sessions that commands are numbered in. */
export interface CallOne {
  /** Retried until the deadline. @throws CallError */
  call(peer: string, target: Target): Promise<unknown>
  /** One attempt. @throws CallError */
  send(peer: string, target: Target, body: Uint8Array, remainingMs: number, request?: RequestId): Promise<Uint8Array>
  /** Commands of one class and version at one peer share a session; a flow has one to itself. */
  sessionFor(peer: string, target: Target): Session
}

/** Histories remembered. */
const chainIdsMax = 1024

export function createCallOne(init: { pool: Pick<ChannelPool, 'get'>; counters: RetryCounters }): CallOne {
  const sessions = createCallerSessions()
  const chainIds = new Map<string, string>()

  function sessionFor(peer: string, { className, version, kind }: Target): Session {
    const object = `${peer} ${className} ${version}`
    return kind === 'flow' ? sessions.idle(object) : sessions.shared(object)
  }

  /**
   * The history that this peer named first for a version (§6). Later calls insist on it: a peer whose version turns out to be another one
   * refuses them, where silence would let a fork pass (R1, R20).
   */
  function chainIdAt(peer: string, version: number, hello: Hello): string | undefined {
    const key = `${peer} ${version}`
    const known = chainIds.get(key) ?? hello.versions.find(([each]) => each === version)?.[1]
    if (known === undefined) return undefined
    if (chainIds.size >= chainIdsMax) chainIds.clear()
    chainIds.set(key, known)
    return known
  }

  async function send(
    peer: string,
    target: Target,
    body: Uint8Array,
    remainingMs: number,
    request?: RequestId
  ): Promise<Uint8Array> {
    const { channel, hello } = await init.pool.get(peer, {
      ...(target.signal && { signal: target.signal }),
      withinMs: remainingMs
    })
    const chainId = chainIdAt(peer, target.version, hello)
    const header: CallHeader = {
      version: target.version,
      className: target.className,
      method: target.method,
      seq: request?.seq ?? 0,
      doneBelow: request?.doneBelow ?? 0,
      remainingMs: Math.ceil(remainingMs),
      ...(request && { session: request.session }),
      ...(chainId !== undefined && { chainId })
    }
    return channel.request(header, body, target)
  }

  return {
    send,
    sessionFor,
    async call(peer, target) {
      const body = encodeArguments(target)
      const result = await callWithRetry(({ request, remainingMs }) => send(peer, target, body, remainingMs, request), {
        ...sessionOf(peer, target),
        deadlineMs: target.deadlineMs,
        counters: init.counters,
        ...(target.signal && { signal: target.signal })
      })
      return decodeResult(target, result)
    }
  }

  function sessionOf(peer: string, target: Target): { session: Session } | { idempotent: true } {
    if (target.kind === 'query') return { idempotent: true }
    // Queries take no number, so a call of unknown kind must not share a session with commands: it gets one of its own.
    return { session: target.kind === undefined ? createSession() : sessionFor(peer, target) }
  }
}

/** @throws CallError InvalidInput for what cannot be sent */
export function encodeArguments(target: Target): Uint8Array {
  try {
    return encodeValue(target.args)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new CallError('InvalidInput', { message: `the arguments of ${target.className}.${target.method}: ${why}` })
  }
}

/** @throws CallError OutOfContract */
export function decodeResult(target: Target, bytes: Uint8Array): unknown {
  try {
    return decodeValue(bytes)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    const message = `the answer of ${target.className}.${target.method} cannot be read: ${why}`
    throw new CallError('OutOfContract', { message, executed: 'unknown' })
  }
}
