import type { MappedEntry, MappingWrites } from '../../definition/twin.js'
import { flawed } from '../flaw.js'
import { areEqual, show } from '../plain-values.js'

/** Lets a function write what an entry amounts to, into states by name. */
export type AskEntry = (stateOf: (name: string) => MappingWrites) => void | Promise<void>

/**
 * Whether the same is written for an entry whenever it is asked (§8): it is asked again for what changed while a state was built.
 *
 * @throws Flawed
 */
export async function examineMapping({ sublevel, key }: MappedEntry, ask: AskEntry): Promise<void> {
  const first = await writesOf(ask)
  const second = await writesOf(ask)
  // One that throws is reported by the introduction or the upgrade itself.
  if (first === undefined || areEqual(first, second)) return
  throw flawed('transform', `the mapping of ${show([...sublevel, key])} writes otherwise when it is asked again (§8)`, {
    expected: show(first),
    actual: show(second)
  })
}

/** By state and key with its sublevels. */
async function writesOf(ask: AskEntry): Promise<ReadonlyMap<string, unknown> | undefined> {
  const writes = new Map<string, unknown>()
  const under = (prefix: readonly string[]): MappingWrites => ({
    put: async (key, value) => {
      writes.set(show([...prefix, key]), structuredClone(value))
    },
    sublevel: name => under([...prefix, name])
  })
  try {
    await ask(name => under([name]))
  } catch {
    return undefined
  }
  return writes
}
