import type { Measurement } from './measurement/measurement.js'

export interface SuiteOptions {
  /** How often everything is measured; a suite has its own standard. */
  readonly runs?: number | undefined
  /** Shorter and rougher: to see that it works. */
  readonly quick: boolean
  /** Only cases whose name it matches. */
  readonly only?: RegExp | undefined
  /** Sizes of the networks that `spread` measures. */
  readonly peers?: readonly number[] | undefined
}

/** What a suite is handed. All that it starts ends before its `run` settles, also when the signal ends it. */
interface SuiteContext extends SuiteOptions {
  readonly signal: AbortSignal
  /** Takes each figure as soon as it is final. */
  readonly report: (measurement: Measurement) => void
  /** What is happening now, for a person who waits. */
  readonly progress: (text: string) => void
}

export interface Suite {
  readonly name: string
  /** One line for `--help`. */
  readonly summary: string
  run(context: SuiteContext): Promise<void>
}
