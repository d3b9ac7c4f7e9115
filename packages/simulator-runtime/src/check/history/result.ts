import type { Flaw } from '../flaw.js'

/** One line of what happened. */
export interface TranscriptLine {
  readonly what: string
  /** Who served the call. */
  readonly by?: string
  /** The values of all versions after it, as the specification sees them. */
  readonly states: string
}

export interface HistoryResult {
  readonly flaw?: Flaw
  readonly lines: readonly TranscriptLine[]
  readonly calls: number
  readonly events: number
  /** Index of the step that was wrong. */
  readonly at: number
}
