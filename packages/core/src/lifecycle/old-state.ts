/** The state of an earlier version that nothing runs on any more, and that the operator can bring back. */
export interface OldState {
  /** Its name: that of the record in which it became one. */
  readonly generation: number
  /** Of its code (`ObjectPlan.version`). */
  readonly version: number
  readonly chainId: string
  /** Wall clock: what was acknowledged from here on is not in it. */
  readonly sinceMs: number
  /** On the disk, about. */
  readonly bytes: number
}
