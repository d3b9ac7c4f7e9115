/** Bytes as a string of one character per byte ("latin1"), so that they can be map keys and `<` is the order of LevelDB. */
export type ByteKey = string

/** Writes that are not in the database yet: a value, or `null` for a deletion. */
export class Layer {
  readonly entries = new Map<ByteKey, Buffer | null>()

  get(key: ByteKey): Buffer | null | undefined {
    return this.entries.get(key)
  }

  /** Puts the writes of a later layer over these. */
  absorb(later: Layer): void {
    for (const [key, value] of later.entries) this.entries.set(key, value)
  }
}

/** Bounds as whole keys; an absent flag means that the bound itself is outside. */
export interface KeyRange {
  readonly lower: ByteKey
  readonly lowerInside: boolean
  readonly upper: ByteKey
  readonly upperInside: boolean
}

export function contains(range: KeyRange, key: ByteKey): boolean {
  if (key < range.lower || (key === range.lower && !range.lowerInside)) return false
  return key < range.upper || (key === range.upper && range.upperInside)
}

/** What layers (the earliest first) say about a range, in order of keys. A copy: later writes to the layers do not show. */
export function entriesOf(
  layers: readonly Layer[],
  range: KeyRange,
  reverse: boolean
): Array<[key: ByteKey, value: Buffer | null]> {
  const merged = new Map<ByteKey, Buffer | null>()
  for (const layer of layers) {
    for (const [key, value] of layer.entries) if (contains(range, key)) merged.set(key, value)
  }
  const sorted = [...merged].sort(([a], [b]) => (a < b ? -1 : 1))
  return reverse ? sorted.reverse() : sorted
}

export function toBytes(key: ByteKey): Buffer {
  return Buffer.from(key, 'latin1')
}
