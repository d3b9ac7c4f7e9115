import {
  callsOf,
  defineClass,
  defineUpgrade,
  type ObjectContext,
  type ObjectOf,
  type Shadowed,
  type StateView
} from '@instar/simulator-runtime'
import { keyValue, typedKeyValue, type Entry, type Lifetime, type Value } from './contracts.js'
import v1Class, { KeyValue, startingWith } from './v1.js'

/** What is stored of an entry; without `expiresAt` it lasts. */
export interface Stored {
  readonly value: Value
  readonly expiresAt?: number
}

/** State: `!entries!<key>` → value and when it expires; `!expiry!<when> <key>` → the key, for those that do. */
export class TypedKeyValue implements ObjectOf<typeof typedKeyValue> {
  readonly #entries: StateView<string, Stored>
  readonly #expiry: StateView<string, string>

  constructor(protected readonly ctx: ObjectContext) {
    this.#entries = ctx.state.sublevel<string, Stored>('entries')
    this.#expiry = ctx.state.sublevel<string, string>('expiry')
  }

  async put(key: string, value: Value, { ttlMs }: Lifetime): Promise<void> {
    await this.remove(key)
    if (ttlMs === undefined) return this.#entries.put(key, { value })
    const expiresAt = this.ctx.now() + ttlMs
    await this.#entries.put(key, { value, expiresAt })
    await this.#expiry.put(expiryKey(key, expiresAt), key)
  }

  async delete(key: string): Promise<boolean> {
    const wasThere = (await this.get(key)) !== null
    await this.remove(key)
    return wasThere
  }

  async sweep(limit: number): Promise<string[]> {
    // What expires at this moment has expired; `!` comes after the space that ends a time.
    const expired = await this.#expiry.values({ lt: `${timeKey(this.ctx.now())}!`, limit }).all()
    for (const key of expired) await this.remove(key)
    return expired
  }

  async get(key: string): Promise<Entry | null> {
    const stored = await this.#entries.get(key)
    return stored === undefined || hasExpired(stored, this.ctx.now()) ? null : toEntry(stored)
  }

  async list(prefix: string, limit: number): Promise<Array<Entry & { key: string }>> {
    const found: Array<Entry & { key: string }> = []
    for await (const [key, stored] of this.#entries.iterator(startingWith(prefix))) {
      if (hasExpired(stored, this.ctx.now())) continue
      found.push({ key, ...toEntry(stored) })
      if (found.length === limit) break
    }
    return found
  }

  protected async remove(key: string): Promise<void> {
    const stored = await this.#entries.get(key)
    if (stored?.expiresAt !== undefined) await this.#expiry.del(expiryKey(key, stored.expiresAt))
    await this.#entries.del(key)
  }
}

/** Sorts as the times do: 16 digits are enough for every safe integer. */
export function timeKey(ms: number): string {
  return String(ms).padStart(16, '0')
}

/** Under which something is found when it has expired. */
export function expiryKey(key: string, expiresAt: number, version?: number): string {
  return `${timeKey(expiresAt)} ${key}${version === undefined ? '' : ` ${version}`}`
}

export function hasExpired({ expiresAt }: { readonly expiresAt?: number }, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

function toEntry({ value, expiresAt = null }: { value: Value; expiresAt?: number | null }): Entry {
  return { value, expiresAt }
}

const v1 = callsOf(keyValue)
const v2 = callsOf(typedKeyValue)

/**
 * What the versions are to each other: version 1 has the entries that it could have written itself, texts that last. A number, or a text
 * that expires, is hidden from it: it is told that there is no such key, and it can put another value in its place, but not delete what it
 * cannot see. So nothing has to be refused, no clock decides what version 1 answers, and what expires can never be read there after its time.
 */
class FutureTypedKeyValue extends TypedKeyValue {
  async $put({ args: [key, text] }: Shadowed<typeof keyValue, 'put'>) {
    await this.put(key, text, {})
    return [v2.put(key, text, {})]
  }

  async $delete({ args: [key], result: wasThere }: Shadowed<typeof keyValue, 'delete'>) {
    // What version 1 did not see it did not delete.
    if (!wasThere) return []
    await this.delete(key)
    return [v2.delete(key).answering(true)]
  }
}

class PastKeyValue extends KeyValue {
  async $put({ args: [key, value, { ttlMs }] }: Shadowed<typeof typedKeyValue, 'put'>) {
    if (typeof value !== 'string' || ttlMs !== undefined) return this.#without(key)
    await this.put(key, value)
    return [v1.put(key, value)]
  }

  $delete({ args: [key] }: Shadowed<typeof typedKeyValue, 'delete'>) {
    return this.#without(key)
  }

  /** What expires was never here. */
  $sweep() {
    return []
  }

  async #without(key: string) {
    return (await this.delete(key)) ? [v1.delete(key).answering(true)] : []
  }
}

export default defineUpgrade({
  from: v1Class,
  to: defineClass(typedKeyValue, TypedKeyValue),
  twin: {
    map: ({ key, value }, { newState }) => newState.sublevel('entries').put(key, { value }),
    future: FutureTypedKeyValue,
    past: PastKeyValue
  }
})
