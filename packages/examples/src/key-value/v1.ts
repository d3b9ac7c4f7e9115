import { defineClass, type ObjectContext, type ObjectOf } from '@instar/simulator-runtime'
import { keyValue } from './contracts.js'

/** State: `<key>` → text. */
export class KeyValue implements ObjectOf<typeof keyValue> {
  constructor(protected readonly ctx: ObjectContext) {}

  put(key: string, text: string): Promise<void> {
    return this.ctx.state.put(key, text)
  }

  async delete(key: string): Promise<boolean> {
    const wasThere = await this.ctx.state.has(key)
    await this.ctx.state.del(key)
    return wasThere
  }

  async get(key: string): Promise<string | null> {
    return (await this.ctx.state.get<string, string>(key)) ?? null
  }

  list(prefix: string, limit: number): Promise<string[]> {
    return this.ctx.state.keys({ ...startingWith(prefix), limit }).all()
  }
}

/** The range of the keys that begin with this prefix. */
export function startingWith(prefix: string): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: `${prefix}~` }
}

export default defineClass(keyValue, KeyValue)
