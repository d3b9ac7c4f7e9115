import type { Contract } from '../../contract/contract.js'
import type { OutgoingCall } from '../host-runtime.js'
import type { Outbox } from '../outbox/outbox.js'
import { StagedSends } from '../outbox/staged-sends.js'
import type { CommandAccess } from '../state/request-access.js'
import type { ChainedRequest } from './call-chain.js'
import type { Facade, FacadeMethod } from './facade.js'
import { outOfContract, RequestOver } from './failures.js'
import { assertMayCall, callPeer, mayNotSend, stubOfPeer, toSend, type PeerCall, type ScopeKind } from './peer-calls.js'

export interface OutwardInit {
  readonly kind: ScopeKind
  readonly access: unknown
  readonly request: ChainedRequest
  readonly remainingMs: () => number
  readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
  /** Of a command. */
  readonly outbox?: Outbox
  /** Of a flow. */
  readonly steps?: FlowSteps
}

/** What a flow is made of. */
export interface FlowSteps {
  /** Before the first step that can have an effect: from here on the flow must not run again. */
  begin(): Promise<void>
  /** A query or command of this object, as a request of its own. @throws CallError */
  run(facade: Facade, method: FacadeMethod, args: readonly unknown[]): Promise<unknown>
  /** What serves this façade's version for its callers. @throws CallError when it has been withdrawn */
  self(facade: Facade): Facade
}

/** What one request does beyond its own atomic step: it waits for other peers, leaves calls for after its commit, takes the steps of a flow. */
export class Outward {
  readonly #init: OutwardInit
  /** Behind `ctx.signal`. */
  #controller: AbortController | undefined
  #told: string | undefined
  /** Ends calls to other peers, which go on when the author is told that the host is about to stop. */
  #calls: AbortController | undefined
  #waiting = 0
  #leaving: string | undefined
  #sends: StagedSends | undefined
  #full: unknown
  #over: string | undefined

  constructor(init: OutwardInit) {
    this.#init = init
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#told !== undefined) this.#controller.abort(new RequestOver(this.#told))
    }
    return this.#controller.signal
  }

  /** Whether the author was told to come to an end. */
  get told(): boolean {
    return this.#told !== undefined
  }

  /** What was left for after the commit, and has not been taken back. */
  get sends(): StagedSends | undefined {
    return this.#sends
  }

  /** Whether this was thrown because the outbox takes no more: no fault of the code that passes it on. */
  isFull(error: unknown): boolean {
    return error !== undefined && error === this.#full
  }

  /** The host is about to stop: a flow, and a query that waits for another peer, now or later, is told by `ctx.signal` (§9). */
  leave(why: string): void {
    this.#leaving = why
    if (this.#waiting > 0 || this.#init.kind === 'flow') this.#tell(why)
  }

  end(why: string): void {
    this.#over ??= why
    this.#tell(why)
    this.#calls?.abort(new RequestOver(why))
  }

  peerStub(facade: Facade, peer: string, contract: Contract): object {
    return stubOfPeer(contract, ['query', 'command', 'flow'], (name, method, args) =>
      this.#callPeer({ facade, peer, contract, name, method, args })
    )
  }

  sendStub(facade: Facade, peer: string, contract: Contract): object {
    return stubOfPeer(contract, ['command'], (name, method, args) => {
      this.#send({ facade, peer, contract, name, method, args })
    })
  }

  selfStub(facade: Facade): object {
    const { kind, steps } = this.#init
    if (steps === undefined) {
      const instead = 'call the method itself, this.method(…)'
      throw outOfContract(facade, 'ctx.self', `a ${kind} used it; it is for flows: ${instead}`)
    }
    const stub: Record<string, (...args: unknown[]) => Promise<unknown>> = {}
    for (const [name, method] of facade.methods) {
      if (method.kind === 'flow') continue
      stub[name] = async (...args) => this.step(steps, steps.self(facade), method, args)
    }
    return stub
  }

  /** A query or command that a flow calls of its own object. */
  async step(steps: FlowSteps, facade: Facade, method: FacadeMethod, args: readonly unknown[]): Promise<unknown> {
    this.#assertNotOver()
    if (method.kind !== 'query') await steps.begin()
    this.#assertNotOver()
    return steps.run(facade, method, args)
  }

  async #callPeer(call: PeerCall): Promise<unknown> {
    this.#assertNotOver()
    assertMayCall(this.#init.kind, call)
    this.#waiting++
    if (this.#leaving !== undefined) this.#tell(this.#leaving)
    try {
      if (call.method.kind !== 'query') await this.#init.steps?.begin()
      this.#assertNotOver()
      this.#calls ??= new AbortController()
      return await callPeer(call, this.#init, this.#calls.signal)
    } finally {
      this.#waiting--
    }
  }

  #send(call: PeerCall): void {
    this.#assertNotOver()
    const { kind, outbox, access, request } = this.#init
    if (kind !== 'command' || outbox === undefined) throw mayNotSend(kind, call.facade)
    const send = toSend(call, request)
    this.#sends ??= new StagedSends()
    try {
      outbox.assertRoom(send.peer, this.#sends.bytes + send.args.byteLength, this.#sends.count(send.peer))
    } catch (error) {
      this.#full = error
      throw error
    }
    this.#sends.stage(access as CommandAccess, call.facade.prefix, send)
  }

  #tell(why: string): void {
    if (this.#told !== undefined) return
    this.#told = why
    this.#controller?.abort(new RequestOver(why))
  }

  #assertNotOver(): void {
    if (this.#over !== undefined) throw new RequestOver(this.#over)
  }
}
