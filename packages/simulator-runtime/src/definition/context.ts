import type { Contract, DelegateOf, QueriesOf, StubOf } from '../contract/contract.js'
import type { StateView } from '../state/state-view.js'

/** What an instance may use for the length of the one request that it was created for. */
export interface ObjectContext {
  /** This façade's own state. */
  readonly state: StateView
  /** Aborted when the request is given up: its deadline passed, or the host stops. */
  readonly signal: AbortSignal
  /** Who calls: the id of a peer or client. */
  readonly caller: string
  /** Milliseconds since 1970; the same throughout the request, so that all façades of a call agree. */
  now(): number
  /** The next number in [0, 1) of a sequence that is fixed by the request. */
  random(): number
  /**
   * The object of another peer, called at this façade's version (R2). Queries only: in a command every such call is refused with
   * `OutgoingCallInCommand`, because a command that waits for another peer can deadlock (§9).
   */
  peer<C extends Contract>(peer: string, contract: C): StubOf<QueriesOf<C>>
}

/** A simulation object has state of its own and reaches everything else through its delegate, the next façade toward the object. */
export interface SimulationContext<Delegate extends Contract> extends ObjectContext {
  readonly delegate: DelegateOf<Delegate>
}
