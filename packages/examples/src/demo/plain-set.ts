import type { Colour } from '../int-set/contracts.js'

/**
 * What the object of one peer has to hold, as a plain map, and who may call about which element: one caller at a time, so that the right
 * answer is known although both clients call concurrently and calls are repeated.
 */
export interface PlainSet {
  /** Elements that are ever called about: 0 to `span` - 1. */
  readonly span: number
  colourOf(x: number): Colour | undefined
  set(x: number, colour: Colour | undefined): void
  readonly size: number
  /** Takes the element if nobody has it. */
  tryTake(x: number): boolean
  /** Waits for the element. */
  take(x: number): Promise<void>
  release(x: number): void
  /** Nobody knows any more what holds for this element: a call about it was given up or answered wrongly. */
  taint(x: number): void
  isTainted(x: number): boolean
}

export function createPlainSet(span: number): PlainSet {
  const colours = new Map<number, Colour>()
  const tainted = new Set<number>()
  /** Those who wait for an element that is taken, first come first served. */
  const taken = new Map<number, (() => void)[]>()

  function tryTake(x: number): boolean {
    if (taken.has(x) || tainted.has(x)) return false
    taken.set(x, [])
    return true
  }

  return {
    span,
    colourOf: x => colours.get(x),
    set(x, colour) {
      if (colour === undefined) colours.delete(x)
      else colours.set(x, colour)
    },
    get size() {
      return colours.size
    },
    tryTake,
    async take(x) {
      const waiting = taken.get(x)
      if (waiting === undefined) taken.set(x, [])
      else await new Promise<void>(resolve => waiting.push(resolve))
    },
    release(x) {
      const next = taken.get(x)?.shift()
      if (next === undefined) taken.delete(x)
      else next()
    },
    taint: x => void tainted.add(x),
    isTainted: x => tainted.has(x)
  }
}
