/** What a transform came to on a copy of the state that this peer had then. */
export interface RehearsedState {
  /** Of the version that the copied state belonged to. It says nothing about the state of another one. */
  readonly stateVersion: number
  /** Wall clock of its end. */
  readonly atMs: number
  /** How long calls will be held, as far as can be told from it; milliseconds. */
  readonly pauseMs: number
  /** How long the transform took, part of which an upgrade by entries does before the pause; milliseconds. */
  readonly transformMs: number
  /** Of the copied state. */
  readonly entries: number
  readonly files: number
  /** Of the copy before, of what was built from it, and the most that the upgrade needs on disk beside the state. */
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly diskBytes: number
}
