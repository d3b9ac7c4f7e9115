import { defineClass, type ObjectContext, type ObjectOf } from '@instar/simulator-runtime'
import { intSet } from './contracts.js'

/** State: `!items!<element>` → true, `size`. */
export class IntSet implements ObjectOf<typeof intSet> {
  constructor(private readonly ctx: ObjectContext) {}

  async insert(x: number): Promise<void> {
    if (await this.contains(x)) return
    await this.#items().put(String(x), true)
    await this.ctx.state.put('size', (await this.size()) + 1)
  }

  async delete(x: number): Promise<void> {
    if (!(await this.contains(x))) return
    await this.#items().del(String(x))
    await this.ctx.state.put('size', (await this.size()) - 1)
  }

  contains(x: number): Promise<boolean> {
    return this.#items().has(String(x))
  }

  async size(): Promise<number> {
    return (await this.ctx.state.get<string, number>('size')) ?? 0
  }

  #items() {
    return this.ctx.state.sublevel<string, boolean>('items')
  }
}

export default defineClass(intSet, IntSet)
