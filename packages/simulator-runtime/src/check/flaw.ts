/**
 * What was found wrong. `specification`: the specification contradicts itself or the classes. `type` (R6), `sequence` (R7), `disallow` (R8),
 * `identity` (R10). `shadow`: returned calls are not what the shadow amounts to. `simulation`: a simulation object failed and was withdrawn.
 * `transform`: not restartable, or not determined by what it reads. `retry`: executed twice. `interleaving`: half a call was seen.
 * `determinism`: the same history, another answer. `load`: the code cannot be started.
 */
export type FlawKind =
  | 'specification'
  | 'type'
  | 'sequence'
  | 'disallow'
  | 'identity'
  | 'shadow'
  | 'simulation'
  | 'transform'
  | 'retry'
  | 'interleaving'
  | 'determinism'
  | 'load'

export interface Flaw {
  readonly kind: FlawKind
  /** One sentence: what should be, and what is. */
  readonly text: string
  readonly expected?: string
  readonly actual?: string
}

/** Ends a history at its first flaw. */
export class Flawed extends Error {
  constructor(readonly flaw: Flaw) {
    super(flaw.text)
  }
}

export function flawed(kind: FlawKind, text: string, values: Pick<Flaw, 'expected' | 'actual'> = {}): Flawed {
  return new Flawed({ kind, text, ...values })
}
