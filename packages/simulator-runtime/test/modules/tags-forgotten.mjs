import { defineUpgrade } from '@instar/simulator-runtime'
import right from './tags.mjs'

/** The transform does not look at what the future simulation object has kept. */
export default defineUpgrade({
  ...right,
  transform: async ({ oldState, newState }) => {
    for await (const name of oldState.keys()) await newState.put(name, 0)
  }
})
