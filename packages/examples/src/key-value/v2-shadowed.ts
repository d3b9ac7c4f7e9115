import { callsOf, defineUpgrade, Disallowed, type Shadowed, type SimulationContext } from '@instar/simulator-runtime'
import { keyValue, typedKeyValue, type Entry, type Lifetime, type Value } from './contracts.js'
import twin, { TypedKeyValue, type Stored } from './v2.js'

const v1 = callsOf(keyValue)
const v2 = callsOf(typedKeyValue)

/** Version 2 on a peer that runs version 1, in the shadowed model. Its state, that of the new class, has what is hidden from version 1. */
class FutureTypedKeyValue extends TypedKeyValue {
  readonly #delegate: SimulationContext<typeof keyValue>['delegate']

  constructor(ctx: SimulationContext<typeof keyValue>) {
    super(ctx)
    this.#delegate = ctx.delegate
  }

  override async put(key: string, value: Value, lifetime: Lifetime): Promise<void> {
    if (typeof value === 'string' && lifetime.ttlMs === undefined) {
      await this.remove(key)
      await this.#delegate.put(key, value)
    } else {
      await super.put(key, value, lifetime)
      await this.#delegate.delete(key)
    }
  }

  override async delete(key: string): Promise<boolean> {
    const wasThere = await super.delete(key)
    await this.#delegate.delete(key)
    return wasThere
  }

  override async get(key: string): Promise<Entry | null> {
    const hidden = await super.get(key)
    if (hidden !== null) return hidden
    const value = await this.#delegate.get(key)
    return value === null ? null : { value, expiresAt: null }
  }

  override async list(prefix: string, limit: number): Promise<Array<Entry & { key: string }>> {
    const found = await super.list(prefix, limit)
    for (const key of await this.#delegate.list(prefix, limit)) {
      const value = await this.#delegate.get(key)
      if (value !== null) found.push({ key, value, expiresAt: null })
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit)
  }

  async $put({ args: [key, text] }: Shadowed<typeof keyValue, 'put'>) {
    await this.remove(key)
    return [v2.put(key, text, {})]
  }

  $delete({ args: [key], result: wasThere }: Shadowed<typeof keyValue, 'delete'>) {
    return wasThere ? [v2.delete(key).answering(true)] : []
  }
}

/** Version 1 on a peer that runs version 2. All of it follows from the entries: no state. */
class PastKeyValue {
  constructor(private readonly ctx: SimulationContext<typeof typedKeyValue>) {}

  put(key: string, text: string): Promise<void> {
    return this.ctx.delegate.put(key, text, {})
  }

  async delete(key: string): Promise<boolean> {
    return (await this.get(key)) === null ? false : this.ctx.delegate.delete(key)
  }

  async get(key: string): Promise<string | null> {
    return textOf(await this.ctx.delegate.get(key))
  }

  async list(prefix: string, limit: number): Promise<string[]> {
    const entries = await this.ctx.delegate.list(prefix, asked)
    const keys = entries.filter(each => textOf(each) !== null).map(({ key }) => key)
    // What lies behind so many cannot be asked for, and an incomplete list would be a wrong answer (R8).
    if (keys.length < limit && entries.length === asked) throw new Disallowed(tooMany)
    return keys.slice(0, limit)
  }

  async $put({ args: [key, value, { ttlMs }], before }: Shadowed<typeof typedKeyValue, 'put'>) {
    if (typeof value === 'string' && ttlMs === undefined) return [v1.put(key, value)]
    return textOf(await before.get(key)) === null ? [] : [v1.delete(key).answering(true)]
  }

  async $delete({ args: [key], before }: Shadowed<typeof typedKeyValue, 'delete'>) {
    return textOf(await before.get(key)) === null ? [] : [v1.delete(key).answering(true)]
  }

  $sweep() {
    return []
  }
}

const asked = 1000
const tooMany = `version 1 sees texts only, and version 2 has more than ${asked} other entries here: ask for a longer prefix`

/** As version 1 sees it. */
function textOf(entry: Entry | null): string | null {
  return typeof entry?.value === 'string' && entry.expiresAt === null ? entry.value : null
}

export default defineUpgrade({
  from: keyValue,
  to: twin.to,
  future: { model: 'shadowed', implementation: FutureTypedKeyValue },
  past: { model: 'shadowed', implementation: PastKeyValue },
  transform: async ({ oldState, futureState, newState }) => {
    const entries = newState.sublevel<string, Stored>('entries')
    for await (const [key, value] of oldState.iterator<string, string>()) await entries.put(key, { value })
    for await (const [key, stored] of futureState.sublevel<string, Stored>('entries').iterator()) {
      await entries.put(key, stored)
    }
    const expiry = newState.sublevel('expiry')
    for await (const [at, key] of futureState.sublevel('expiry').iterator()) await expiry.put(at, key)
  }
})
