import { callsOf, defineUpgrade } from '@instar/simulator-runtime'
import right, { tags } from './tags.mjs'

/** The state of the future simulation object, in a variable of the module: nobody can tell until its process ends. */
const remembered = new Map()

class FutureTags {
  constructor(ctx) {
    this.ctx = ctx
  }
  async tag(name, number) {
    await this.ctx.delegate.add(name)
    remembered.set(name, number)
  }
  async tagOf(name) {
    return (await this.ctx.delegate.has(name)) ? (remembered.get(name) ?? 0) : undefined
  }
  async $add({ args: [name], before }) {
    return (await before.has(name)) ? [] : [callsOf(tags).tag(name, 0)]
  }
}

export default defineUpgrade({
  ...right,
  future: {
    model: 'shadowed',
    implementation: FutureTags,
    initialize: async state => {
      remembered.clear()
      await state.put('introduced', true)
    }
  },
  transform: async ({ oldState, futureState, newState }) => {
    const numbers = (await futureState.has('introduced')) ? remembered : new Map()
    for await (const name of oldState.keys()) await newState.put(name, numbers.get(name) ?? 0)
  }
})
