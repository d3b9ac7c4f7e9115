import type { Caller } from './callers.js'
import { judge, type Answer, type Operation } from './model.js'
import type { PlainSet } from './plain-set.js'

export interface StateCheck {
  readonly compared: number
  /** What differs, one sentence per element. */
  readonly differences: readonly string[]
}

const atOnce = 48

/**
 * Compares the object of a peer with the plain set, element by element, as one version shows it. Waits for calls under way about an
 * element, so it can run beside the clients.
 */
export async function checkState(set: PlainSet, call: Caller, version: 1 | 2): Promise<StateCheck> {
  const differences: string[] = []
  let compared = 0
  let next = 0

  async function checkElement(x: number): Promise<void> {
    await set.take(x)
    try {
      if (set.isTainted(x)) {
        differences.push(`element ${x} is unknown: a call about it went wrong before`)
        return
      }
      const operation = questionAbout(x, version, set)
      const answer: Answer = await call(operation)
      const judgement = judge(operation, set.colourOf(x), answer, false)
      if (judgement.verdict === 'right') compared++
      else differences.push('why' in judgement ? judgement.why : `element ${x} was refused`)
    } finally {
      set.release(x)
    }
  }

  async function runLane(): Promise<void> {
    while (next < set.span) await checkElement(next++)
  }

  await Promise.all(Array.from({ length: atOnce }, runLane))
  return { compared, differences }
}

/** Version 2 tells an absent element from a present one by its colour: `getColor` of an absent one fails. */
function questionAbout(x: number, version: 1 | 2, set: PlainSet): Operation {
  if (version === 1) return { version, method: 'contains', x }
  return { version, method: set.colourOf(x) === undefined ? 'contains' : 'getColor', x }
}
