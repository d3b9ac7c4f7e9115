import {
  callsOf,
  defineClass,
  defineUpgrade,
  type ObjectContext,
  type ObjectOf,
  type Shadowed,
  type StateView
} from '@instar/simulator-runtime'
import { causalKeyValue, reviewedKeyValue } from './contracts.js'
import { startingWith } from './v1.js'
import { timeKey, type Stored } from './v2.js'
import v3Upgrade, { CausalKeyValue, type Write } from './v3.js'

type Value = Partial<Stored>

/**
 * Each write lies by itself, so that one more in conflict does not write the others again. State: as at version 3, but instead of `writes`
 * `!values!<key> <version>` → value and when it expires; `!conflicts!<key>` → how many there are, if more than one.
 */
class ReviewedKeyValue extends CausalKeyValue implements ObjectOf<typeof reviewedKeyValue> {
  readonly #values: StateView<string, Value>
  readonly #conflicts: StateView<string, number>

  constructor(ctx: ObjectContext) {
    super(ctx)
    this.#values = ctx.state.sublevel<string, Value>('values')
    this.#conflicts = ctx.state.sublevel<string, number>('conflicts')
  }

  conflicts(prefix: string, limit: number): Promise<string[]> {
    return this.#conflicts.keys({ ...startingWith(prefix), limit }).all()
  }

  protected override async writesOf(key: string): Promise<readonly Write[]> {
    const values = await this.#values.iterator({ gt: `${key} `, lt: `${key}!` }).all()
    return values.map(([at, value]) => toWrite(at, value))
  }

  protected override async *keysWithWrites(prefix: string): AsyncGenerator<[string, readonly Write[]]> {
    let last: [string, Write[]] | undefined
    for await (const [at, value] of this.#values.iterator(startingWith(prefix))) {
      const key = at.slice(0, at.indexOf(' '))
      if (last?.[0] !== key) {
        if (last !== undefined) yield last
        last = [key, []]
      }
      last[1].push(toWrite(at, value))
    }
    if (last !== undefined) yield last
  }

  protected override async setWrites(key: string, before: readonly Write[], after: readonly Write[]): Promise<void> {
    for (const each of before) {
      if (!after.includes(each)) await this.#values.del(valueKey(key, each))
    }
    for (const each of after) {
      if (!before.includes(each)) await this.#values.put(valueKey(key, each), toValue(each))
    }
    await (after.length > 1 ? this.#conflicts.put(key, after.length) : this.#conflicts.del(key))
  }
}

function valueKey(key: string, { version }: Write): string {
  return `${key} ${timeKey(version)}`
}

function toWrite(at: string, value: Value): Write {
  return { version: Number(at.slice(at.indexOf(' ') + 1)), ...value }
}

function toValue({ version: _, ...value }: Write): Value {
  return value
}

const v3 = callsOf(causalKeyValue)
const v4 = callsOf(reviewedKeyValue)

/** The commands are the same at both versions, and so is what they mean. */
class FutureReviewedKeyValue extends ReviewedKeyValue {
  async $put({ args }: Shadowed<typeof causalKeyValue, 'put'>) {
    return [v4.put(...args).answering(await this.put(...args))]
  }

  async $delete({ args }: Shadowed<typeof causalKeyValue, 'delete'>) {
    return [v4.delete(...args).answering(await this.delete(...args))]
  }

  async $resolve({ args }: Shadowed<typeof causalKeyValue, 'resolve'>) {
    await this.resolve(...args)
    return [v4.resolve(...args)]
  }

  async $sweep({ args }: Shadowed<typeof causalKeyValue, 'sweep'>) {
    return [v4.sweep(...args).answering(await this.sweep(...args))]
  }
}

class PastCausalKeyValue extends CausalKeyValue {
  async $put({ args }: Shadowed<typeof reviewedKeyValue, 'put'>) {
    return [v3.put(...args).answering(await this.put(...args))]
  }

  async $delete({ args }: Shadowed<typeof reviewedKeyValue, 'delete'>) {
    return [v3.delete(...args).answering(await this.delete(...args))]
  }

  async $resolve({ args }: Shadowed<typeof reviewedKeyValue, 'resolve'>) {
    await this.resolve(...args)
    return [v3.resolve(...args)]
  }

  async $sweep({ args }: Shadowed<typeof reviewedKeyValue, 'sweep'>) {
    return [v3.sweep(...args).answering(await this.sweep(...args))]
  }
}

export default defineUpgrade({
  from: v3Upgrade.to,
  to: defineClass(reviewedKeyValue, ReviewedKeyValue),
  twin: {
    map: async ({ sublevel: [name], key, value }, { newState }) => {
      if (name === undefined) return newState.put(key, value)
      if (name === 'expiry') return newState.sublevel(name).put(key, value)
      const writes = value as readonly Write[]
      for (const each of writes) await newState.sublevel('values').put(valueKey(key, each), toValue(each))
      if (writes.length > 1) await newState.sublevel('conflicts').put(key, writes.length)
    },
    future: FutureReviewedKeyValue,
    past: PastCausalKeyValue
  }
})
