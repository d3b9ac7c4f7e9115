import { callsOf, command, defineClass, defineContract, defineUpgrade, query } from '@instar/simulator-runtime'
import { z } from 'zod'
import { key, names } from './names.mjs'

export const tags = defineContract('Tags', {
  tag: command(z.tuple([key, z.int().min(0).max(2)]), z.void()),
  tagOf: query(z.tuple([key]), z.int().optional())
})

class Tags {
  constructor(ctx) {
    this.ctx = ctx
  }
  tag(name, number) {
    return this.ctx.state.put(name, number)
  }
  tagOf(name) {
    return this.ctx.state.get(name)
  }
}

class FutureTags {
  constructor(ctx) {
    this.ctx = ctx
  }
  async tag(name, number) {
    await this.ctx.delegate.add(name)
    await this.ctx.state.put(name, number)
  }
  async tagOf(name) {
    if (!(await this.ctx.delegate.has(name))) return undefined
    return (await this.ctx.state.get(name)) ?? 0
  }
  async $add({ args: [name], before }) {
    return (await before.has(name)) ? [] : [callsOf(tags).tag(name, 0)]
  }
}

class PastNames {
  constructor(ctx) {
    this.ctx = ctx
  }
  async add(name) {
    if (!(await this.has(name))) await this.ctx.delegate.tag(name, 0)
  }
  async has(name) {
    return (await this.ctx.delegate.tagOf(name)) !== undefined
  }
}

export default defineUpgrade({
  from: names,
  to: defineClass(tags, Tags),
  future: { model: 'shadowed', implementation: FutureTags },
  past: PastNames,
  transform: async ({ oldState, futureState, newState }) => {
    for await (const name of oldState.keys()) await newState.put(name, (await futureState.get(name)) ?? 0)
  }
})
