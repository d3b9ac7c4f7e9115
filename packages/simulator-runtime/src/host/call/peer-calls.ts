import { CallError } from '@instar/core'
import { decodeValue, encodeValue } from '../../codec/codec.js'
import type { Contract, Method, MethodKind } from '../../contract/contract.js'
import type { OutgoingCall } from '../host-runtime.js'
import type { Send } from '../outbox/send.js'
import { onward, type ChainedRequest } from './call-chain.js'
import { nameOf, type Facade } from './facade.js'
import { outOfContract } from './failures.js'
import { validate } from './validate.js'

/** What a scope is of. `shadow` and `view` are parts of a command that are lent to others, `cached` is one of a request that keeps an answer. */
export type ScopeKind = MethodKind | 'shadow' | 'view' | 'cached'

/** A call of a façade to another peer's object, at the façade's version (R2). */
export interface PeerCall {
  readonly facade: Facade
  readonly peer: string
  readonly contract: Contract
  readonly name: string
  readonly method: Method
  readonly args: readonly unknown[]
}

/** One function per method of these kinds. */
export function stubOfPeer(
  contract: Contract,
  kinds: readonly MethodKind[],
  run: (name: string, method: Method, args: readonly unknown[]) => unknown
): object {
  const stub: Record<string, (...args: unknown[]) => unknown> = {}
  for (const [name, method] of Object.entries(contract.methods)) {
    if (kinds.includes(method.kind)) stub[name] = (...args) => run(name, method, args)
  }
  return stub
}

/** §9: a query asks queries, a flow calls everything, and whatever runs inside a command waits for nobody. @throws CallError */
export function assertMayCall(kind: ScopeKind, { facade, peer, contract, name, method }: PeerCall): void {
  if (kind === 'flow') return
  const what = `${contract.name}.${name} of peer ${peer}`
  if (kind === 'cached') {
    throw outOfContract(facade, name, `a method whose answer is kept by ctx.cache called ${what}: it only reads state`)
  }
  if (kind !== 'query') {
    throw new CallError('OutgoingCallInCommand', {
      message: `a ${kind} of ${facade.className} called ${what}: nothing inside a command may wait for another peer. To have a command called once this one has committed, use ctx.after(peer, contract).${name}(…); to wait for the answer, make the method a flow`
    })
  }
  if (method.kind === 'query') return
  throw outOfContract(facade, name, `a query called the ${method.kind} ${what}: make the method that calls it a flow`)
}

/** @throws CallError */
export async function callPeer(
  call: PeerCall,
  init: {
    readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
    readonly remainingMs: () => number
    readonly request: ChainedRequest
  },
  signal: AbortSignal
): Promise<unknown> {
  const { facade, peer, contract, name, method, args } = call
  const bytes = await init
    .outgoing({
      peer,
      className: contract.name,
      version: facade.version,
      method: name,
      args: encodeValue(args),
      kind: method.kind,
      remainingMs: init.remainingMs(),
      ...onward(init.request, facade.className),
      signal
    })
    .catch((error: unknown) => {
      throw peerCallFailed(error, call)
    })
  return validate(method.output['~standard'], decodeValue(bytes), flaw =>
    outOfContract(facade, name, `peer ${peer} answered ${contract.name}.${name} out of contract: ${flaw}`)
  )
}

/** @throws CallError OutOfContract for arguments that the receiver would refuse, where the validator says so at once */
export function toSend({ facade, peer, contract, name, method, args }: PeerCall, request: ChainedRequest): Send {
  if (!/^[\x21-\x7e]{1,128}$/.test(peer)) throw outOfContract(facade, name, 'ctx.after was not given the id of a peer')
  const valid = validate(method.input['~standard'], args, flaw =>
    outOfContract(facade, name, `it sent ${contract.name}.${name} with invalid arguments: ${flaw}`)
  )
  // Of one that takes its time the receiver's verdict counts.
  if (valid instanceof Promise) valid.catch(() => undefined)
  const { version } = facade
  const chain = onward(request, facade.className)
  return { peer, className: contract.name, version, method: name, args: encodeValue(args), ...chain }
}

/** Who may not send, and why. */
export function mayNotSend(kind: ScopeKind, facade: Facade): CallError {
  const why =
    kind === 'shadow'
      ? 'a shadow makes no remote call (R14): the command that it shadows has sent what there was to send'
      : kind === 'flow'
        ? 'a flow commits nothing that a call could come after: it awaits ctx.peer(…), or leaves the sending to a command of its own'
        : 'a query changes nothing, here or elsewhere: make the method a command'
  return new CallError('OutOfContract', { message: `${nameOf(facade)} used ctx.after: ${why}` })
}

/** Another peer's trouble is not this peer's: passed on as it is, `Unreachable` would send the caller looking in the wrong place. */
function peerCallFailed(error: unknown, { facade, peer, contract, name }: PeerCall): unknown {
  // A circle goes through every peer that it names: each passes on what the last one found.
  if (!(error instanceof CallError) || error.code === 'TooManyHops') return error
  const { executed, message } = error.detail
  const reason = `${contract.name}.${name} of peer ${peer} failed with ${error.code}: ${message}`
  return new CallError('Failed', { message: `${facade.className}: ${reason}`, reason, executed })
}
