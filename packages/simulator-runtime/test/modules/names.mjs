// Built modules as workers load them: a class, an upgrade of it in the shadowed model, and their specification.
import { command, defineClass, defineContract, query } from '@instar/simulator-runtime'
import { z } from 'zod'

export const key = z.enum(['a', 'b'])
export const names = defineContract('Names', {
  add: command(z.tuple([key]), z.void()),
  has: query(z.tuple([key]), z.boolean())
})

class Names {
  constructor(ctx) {
    this.ctx = ctx
  }
  add(name) {
    return this.ctx.state.put(name, true)
  }
  has(name) {
    return this.ctx.state.has(name)
  }
}

export default defineClass(names, Names)
