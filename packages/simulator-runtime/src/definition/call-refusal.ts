/**
 * Thrown by a simulation object for a call that it cannot keep true (R8). The caller gets `Disallowed` with the reason; nothing of the
 * call takes effect.
 */
export class Disallowed extends Error {
  /** Bundles carry their own copy of this class, so the host knows it by this field and not by `instanceof`. */
  readonly instar = 'disallowed'

  constructor(readonly reason: string) {
    super(reason)
  }
}

/** Thrown by a class for a failure that is part of its contract. The caller gets `Failed`; nothing of the call takes effect. */
export class Failed extends Error {
  readonly instar = 'failed'

  constructor(readonly reason: string) {
    super(reason)
  }
}
