import { CallError, InstarError, isAdmitted, type Json } from '@instar/core'
import { contractMethod, decodeValue, encodeValue, parseServedContract } from '@instar/simulator-runtime/codec'
import type { CallAnswer, CallRequest, ContractRequest, DescribedContract } from '../control/peer-control.js'
import type { Engine } from '../engine/engine.js'
import type { Overlay } from '../overlay/overlay.js'
import type { Rpc } from '../rpc/rpc.js'
import { monoMs, wallMs } from './clock.js'

export interface OperatorCallInit {
  readonly engine: Engine
  readonly overlay: Pick<Overlay, 'peerId'>
  readonly rpc: Rpc
}

/** Calls an object on behalf of the operator, with the retries that every caller has (§12). @throws CallError, InstarError BadInput */
export async function callForOperator(
  init: OperatorCallInit,
  request: CallRequest,
  signal: AbortSignal
): Promise<CallAnswer> {
  const { value, ...answer } = await ask(init, request, signal)
  return { ...answer, result: toJson(value) }
}

/** @throws CallError, InstarError BadInput */
export async function describeForOperator(
  init: OperatorCallInit,
  request: ContractRequest,
  signal: AbortSignal
): Promise<DescribedContract> {
  const { value, peer } = await ask(init, { ...request, method: contractMethod, args: [] }, signal)
  const contract = parseServedContract(value)
  if (contract !== undefined) return { ...contract, peer }
  throw new CallError('OutOfContract', { message: `${peer} described its contract in a way that cannot be read` })
}

async function ask(
  { engine, overlay, rpc }: OperatorCallInit,
  request: CallRequest,
  signal: AbortSignal
): Promise<Omit<CallAnswer, 'result'> & { readonly value: unknown }> {
  const peer =
    request.peer ?? (request.class === undefined ? overlay.peerId : anyPeerOf(engine, overlay.peerId, request.class))
  const version = request.version ?? engine.state.running
  const className = request.class ?? (await classOf({ engine, rpc }, peer, version, signal))
  const startedMs = monoMs()
  const result = await rpc.call({
    peer,
    className,
    version,
    method: request.method,
    args: encodeValue([...request.args]),
    remainingMs: request.timeoutMs,
    hops: 0,
    trail: '',
    signal
  })
  return { value: decodeValue(result), peer, version, durationMs: monoMs() - startedMs }
}

/** A live peer that bears this class at the version that it runs, this one first. */
function anyPeerOf(engine: Engine, self: string, className: string): string {
  if (engine.routes().entries.some(entry => entry.state === 'served' && entry.className === className)) return self
  for (const entry of engine.state.roster.values()) {
    if (
      isAdmitted(engine.state, entry, { wallMs: wallMs(), monoMs: monoMs() }) &&
      entry.announcement.class === className
    )
      return entry.announcement.peer
  }
  throw new InstarError('BadInput', `No known peer runs the class ${className}.`)
}

async function classOf(
  { engine, rpc }: Pick<OperatorCallInit, 'engine' | 'rpc'>,
  peer: string,
  version: number,
  signal: AbortSignal
): Promise<string> {
  const here = engine.routes().entries.find(entry => entry.version === version)
  if (here !== undefined) return here.className
  const hello = await rpc.helloOf(peer, { signal })
  if (hello.class !== undefined) return hello.class
  throw new CallError('NotYet', { message: `${peer} has not joined the network yet`, retryAfterMs: 1000 })
}

/** JSON has neither `undefined` nor bytes. */
function toJson(value: unknown): Json {
  if (value === undefined) return null
  const text = JSON.stringify(value, (_key, inner: unknown) => {
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString('base64')
    return typeof inner === 'bigint' ? inner.toString() : inner
  })
  return JSON.parse(text) as Json
}
