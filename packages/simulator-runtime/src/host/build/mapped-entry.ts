import type { EncodingOptions } from '../../state/state-view.js'
import type { MappedEntry } from '../../definition/twin.js'
import type { ByteKey } from '../state/layer.js'
import { decodedKey, decodedValue } from '../state/view.js'

/** One entry of a state as a mapping function sees it: decoded when it is asked for. */
export class EntryOfState implements MappedEntry {
  readonly sublevel: readonly string[]
  readonly #key: ByteKey
  readonly #value: Buffer

  /** @param key within the state's space */
  constructor(key: ByteKey, value: Buffer) {
    const { names, rest } = pathOf(key)
    this.sublevel = names
    this.#key = rest
    this.#value = value
  }

  get key(): string {
    return decodedKey(this.#key) as string
  }

  get value(): unknown {
    return decodedValue(this.#value)
  }

  decode<K = string, V = unknown>(encodings: EncodingOptions): { readonly key: K; readonly value: V } {
    return { key: decodedKey(this.#key, encodings) as K, value: decodedValue(this.#value, encodings) as V }
  }
}

/** `!a!!b!key` lies in the sublevel `b` of the sublevel `a`. */
export function pathOf(key: ByteKey): { readonly names: readonly string[]; readonly rest: ByteKey } {
  const names: string[] = []
  let rest = key
  while (rest.startsWith('!')) {
    const end = rest.indexOf('!', 1)
    if (end < 2) break
    names.push(rest.slice(1, end))
    rest = rest.slice(end + 1)
  }
  return { names, rest }
}
