/** Repeatable randomness: the same words give the same numbers, on every machine. */
export interface Random {
  /** A whole number from 0 below `end`. */
  below(end: number): number
  /** True once in so many times. */
  once(inSoMany: number): boolean
  pick<T>(from: readonly T[]): T
}

export function createRandom(...words: ReadonlyArray<string | number>): Random {
  let state = hashOf(words.join('\n'))
  const next = (): number => {
    // mulberry32, by Tommy Ettinger: public domain, and enough for choosing mutations.
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number): number => Math.floor(next() * end)
  return {
    below,
    once: inSoMany => below(inSoMany) === 0,
    pick<T>(from: readonly T[]): T {
      return from[below(from.length)] as T
    }
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
