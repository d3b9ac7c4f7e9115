import type { AtomicOf, Contract, DelegateOf, SendsOf, StubOf } from '../contract/contract.js'
import type { StateView } from '../state/state-view.js'

/** What an instance may use for the length of the one request that it was created for. */
export interface ObjectContext {
  /** This façade's own state. A flow has none: it reads and changes state through {@link self}. */
  readonly state: StateView
  /** Aborted when the request is given up, and for one that waits for other peers already when the host is about to stop. */
  readonly signal: AbortSignal
  /** Who calls: the id of a peer or client. */
  readonly caller: string
  /** Milliseconds since 1970; the same throughout the request, so that all façades of a call agree. */
  now(): number
  /** The next number in [0, 1) of a sequence that is fixed by the request. */
  random(): number
  /**
   * The object of another peer, called at this façade's version (R2). A query may ask its queries, a flow may call all of it. In a command
   * every such call is refused with `OutgoingCallInCommand`, because a command that waits for another peer can deadlock (§9): see
   * {@link after}, or make the method a flow.
   */
  peer<C extends Contract>(peer: string, contract: C): StubOf<C>
  /**
   * In a command: calls to another peer's object that are made after the commit, at this façade's version. They take effect if and only
   * if this command does; each runs once at its receiver, in the order in which they were made to it (§9, §12). What they answer is
   * nobody's: a refusal is logged and counted.
   *
   * @throws CallError `Busy` when too much waits to be sent; passed on, it lets the caller try again
   */
  after<C extends Contract>(peer: string, contract: C): SendsOf<C>
  /**
   * In a flow: the commands and queries of this façade itself, each atomic, with its shadows, as if somebody else had called.
   *
   * @param contract the one that this class or simulation object implements
   */
  self<C extends Contract>(contract: C): StubOf<AtomicOf<C>>
  /**
   * The methods of this instance's own class, with answers that are kept between requests: `ctx.cache(this).total()` runs `total` once and
   * then again only when something that it read has been written (§9). Such a method reads state and its arguments and nothing else: no
   * time, chance, caller or other peer. Each asker has a copy of the answer. What is kept is lost with the host process, and with little
   * room also before.
   */
  cache<T extends object>(instance: T): T
}

/** What an instance of a class with directory state may use (§8): files in place of `state`. */
export interface DirectoryContext extends Omit<ObjectContext, 'state' | 'cache'> {
  /**
   * Absolute path of the directory that is this object's own. Commands write in it one at a time, but none of them atomically; a query only
   * reads, and may see half of a command. A flow uses it through its own commands and queries.
   */
  readonly directory: string
}

/** A simulation object has state of its own and reaches everything else through its delegate, the next façade toward the object. */
export interface SimulationContext<Delegate extends Contract> extends ObjectContext {
  readonly delegate: DelegateOf<Delegate>
}
