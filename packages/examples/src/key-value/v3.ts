import {
  callsOf,
  defineClass,
  defineUpgrade,
  Failed,
  type ObjectContext,
  type ObjectOf,
  type Shadowed,
  type StateView
} from '@instar/simulator-runtime'
import { causalKeyValue, siblingsMax, typedKeyValue, type Lifetime, type Sibling, type Value } from './contracts.js'
import { startingWith } from './v1.js'
import v2Upgrade, { expiryKey, hasExpired, timeKey, TypedKeyValue, type Stored } from './v2.js'

/** What one write left of a key; without a value it was a deletion, kept beside what others wrote meanwhile. */
export interface Write extends Partial<Stored> {
  readonly version: number
}

/**
 * State: `!writes!<key>` → what stands side by side, the oldest first, usually one; `!expiry!<when> <key> <version>` → key and version of
 * what expires; `version`, the number of the last write.
 */
export class CausalKeyValue implements ObjectOf<typeof causalKeyValue> {
  readonly #writes: StateView<string, readonly Write[]>
  readonly #expiry: StateView<string, { key: string; version: number }>

  constructor(protected readonly ctx: ObjectContext) {
    this.#writes = ctx.state.sublevel<string, readonly Write[]>('writes')
    this.#expiry = ctx.state.sublevel<string, { key: string; version: number }>('expiry')
  }

  async put(key: string, value: Value, { ttlMs, context }: Lifetime & { context: number[] }): Promise<number> {
    const before = await this.writesOf(key)
    const unseen = before.filter(({ version }) => !context.includes(version))
    if (unseen.length >= siblingsMax) throw new Failed(`${key} has ${siblingsMax} values in conflict`)
    const version = await this.#nextVersion()
    const expiry = ttlMs === undefined ? {} : { expiresAt: this.ctx.now() + ttlMs }
    await this.#replace(key, before, [...unseen, { version, value, ...expiry }])
    return version
  }

  async delete(key: string, context: number[]): Promise<boolean> {
    const before = await this.writesOf(key)
    const seen = before.filter(({ version }) => context.includes(version))
    if (seen.length === 0) return false
    const unseen = before.filter(each => !seen.includes(each))
    // Whoever chooses between the others has to know that somebody wanted none of them.
    await this.#replace(key, before, [...unseen, { version: await this.#nextVersion() }])
    return seen.some(each => this.#isThere(each))
  }

  async resolve(key: string, version: number): Promise<void> {
    const before = await this.writesOf(key)
    const chosen = before.find(each => each.version === version && this.#isThere(each))
    if (chosen === undefined) throw new Failed(`${key} has no value of version ${version}`)
    await this.#replace(key, before, [chosen])
  }

  async sweep(limit: number): Promise<Array<{ key: string; version: number }>> {
    const expired = await this.#expiry.values({ lt: `${timeKey(this.ctx.now())}!`, limit }).all()
    for (const { key, version } of expired) {
      const before = await this.writesOf(key)
      // Beside others it stays a deletion: they have not become what was written last.
      const after = before.map(each => (each.version === version ? { version } : each))
      await this.#replace(key, before, after)
    }
    return expired
  }

  async get(key: string): Promise<{ values: Sibling[]; context: number[] }> {
    const writes = await this.writesOf(key)
    const context = writes.map(({ version }) => version)
    if (!writes.some(each => this.#isThere(each))) return { values: [], context }
    const values = writes.map(each => {
      const { version, value = null, expiresAt = null } = this.#isThere(each) ? each : { version: each.version }
      return { version, value, expiresAt }
    })
    return { values, context }
  }

  async list(prefix: string, limit: number): Promise<string[]> {
    const keys: string[] = []
    for await (const [key, writes] of this.keysWithWrites(prefix)) {
      if (!writes.some(each => this.#isThere(each))) continue
      keys.push(key)
      if (keys.length === limit) break
    }
    return keys
  }

  protected async writesOf(key: string): Promise<readonly Write[]> {
    return (await this.#writes.get(key)) ?? []
  }

  protected keysWithWrites(prefix: string): AsyncIterable<[string, readonly Write[]]> {
    return this.#writes.iterator<string, readonly Write[]>(startingWith(prefix))
  }

  protected setWrites(key: string, _before: readonly Write[], after: readonly Write[]): Promise<void> {
    return after.length === 0 ? this.#writes.del(key) : this.#writes.put(key, after)
  }

  async #replace(key: string, before: readonly Write[], written: readonly Write[]): Promise<void> {
    // A deletion says something only beside a value.
    const after = written.some(each => each.value !== undefined) ? written : []
    for (const { version, expiresAt } of before) {
      if (expiresAt !== undefined) await this.#expiry.del(expiryKey(key, expiresAt, version))
    }
    await this.setWrites(key, before, after)
    for (const { version, expiresAt } of after) {
      if (expiresAt !== undefined) await this.#expiry.put(expiryKey(key, expiresAt, version), { key, version })
    }
  }

  async #nextVersion(): Promise<number> {
    const version = ((await this.ctx.state.get<string, number>('version')) ?? 0) + 1
    await this.ctx.state.put('version', version)
    return version
  }

  #isThere(write: Write): write is Write & Stored {
    return write.value !== undefined && !hasExpired(write, this.ctx.now())
  }
}

const v2 = callsOf(typedKeyValue)
const v3 = callsOf(causalKeyValue)

/** Entries from before version 3 have this number; later writes have higher ones, so that nobody takes one for the other. */
export const versionOfOld = 0

/**
 * What the versions are to each other: version 2 sees of a key what was written last, and its commands replace that and nothing else. What
 * it does not see it cannot lose: values in conflict stay, until somebody at version 3 has seen them. If what was written last is a
 * deletion, there is no such key at version 2.
 */
class FutureCausalKeyValue extends CausalKeyValue {
  async $put({ args: [key, value, lifetime] }: Shadowed<typeof typedKeyValue, 'put'>) {
    const seen = { ...lifetime, context: await this.#last(key) }
    return [v3.put(key, value, seen).answering(await this.put(key, value, seen))]
  }

  async $delete({ args: [key] }: Shadowed<typeof typedKeyValue, 'delete'>) {
    const context = await this.#last(key)
    return [v3.delete(key, context).answering(await this.delete(key, context))]
  }

  async $sweep({ result: keys }: Shadowed<typeof typedKeyValue, 'sweep'>) {
    const calls = []
    for (const key of keys) {
      const context = await this.#last(key)
      calls.push(v3.delete(key, context).answering(await this.delete(key, context)))
    }
    return calls
  }

  async #last(key: string): Promise<number[]> {
    return (await this.get(key)).context.slice(-1)
  }
}

class PastTypedKeyValue extends TypedKeyValue {
  $put({ args: [key, value, { ttlMs }] }: Shadowed<typeof causalKeyValue, 'put'>) {
    return this.#put(key, value, ttlMs === undefined ? {} : { ttlMs })
  }

  async $delete({ args: [key], before, after }: Shadowed<typeof causalKeyValue, 'delete'>) {
    const [was, is] = [await before.get(key), await after.get(key)]
    return was.context.at(-1) === is.context.at(-1) ? [] : [await this.#delete(key)]
  }

  async $resolve({ args: [key], after }: Shadowed<typeof causalKeyValue, 'resolve'>) {
    const [chosen] = (await after.get(key)).values
    if (chosen === undefined || chosen.value === null) throw new Error(`${key} was resolved to nothing`)
    return this.#put(key, chosen.value, chosen.expiresAt === null ? {} : { ttlMs: chosen.expiresAt - this.ctx.now() })
  }

  async $sweep({ result: swept, before }: Shadowed<typeof causalKeyValue, 'sweep'>) {
    const calls = []
    for (const { key, version } of swept) {
      if ((await before.get(key)).context.at(-1) === version) calls.push(await this.#delete(key))
    }
    return calls
  }

  async #put(key: string, value: Value, lifetime: Lifetime) {
    await this.put(key, value, lifetime)
    return [v2.put(key, value, lifetime)]
  }

  async #delete(key: string) {
    return v2.delete(key).answering(await this.delete(key))
  }
}

export default defineUpgrade({
  from: v2Upgrade.to,
  to: defineClass(causalKeyValue, CausalKeyValue),
  twin: {
    map: async ({ sublevel: [name], key, value }, { newState }) => {
      // The index is written with the entries that it is about.
      if (name !== 'entries') return
      const stored = value as Stored
      const version = versionOfOld
      await newState.sublevel('writes').put(key, [{ version, ...stored }])
      if (stored.expiresAt === undefined) return
      await newState.sublevel('expiry').put(expiryKey(key, stored.expiresAt, version), { key, version })
    },
    future: FutureCausalKeyValue,
    past: PastTypedKeyValue
  }
})
