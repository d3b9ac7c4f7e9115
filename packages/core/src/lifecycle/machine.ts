/** What the version is about to do here. */
export type PreflightStep = 'fetch' | 'introduce' | 'upgrade'

/** What a machine has, as the shell measured it. What could not be measured is absent, and not judged. */
export interface MachineFacts {
  /** Operating system and processor as Node names them: `linux-x64`. */
  readonly platform: string
  /** The release of Node: `24.1.0`. */
  readonly node: string
  /** Free to this process on the disk of the data directory. */
  readonly freeDiskBytes?: number
  /** What the state takes of that disk, with everything beside it that is being built or kept. */
  readonly stateBytes?: number
  /** Memory that another process could take. */
  readonly freeMemoryBytes?: number
}

export interface Machine {
  /** The effect that measures it now. */
  measuring: number | undefined
  facts: MachineFacts | undefined
  measuredMonoMs: number
}

/** What a version lacks here, in words, and how often in a row it did. */
export interface Lack {
  readonly words: string
  readonly times: number
  /** What could not be begun. */
  readonly step: PreflightStep
  /** The measurement that said so. */
  readonly measuredMonoMs: number
}
