/** How fast something goes on beside calls. */
export interface Pace {
  readonly signal: AbortSignal
  /** A part of the work, and a pause. */
  beside(work: () => Promise<void>): Promise<void>
}
