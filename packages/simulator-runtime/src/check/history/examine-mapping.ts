import type { MappedEntry, Mapping, MappingStates, MappingWrites } from '../../definition/twin.js'
import { flawed } from '../flaw.js'
import { areEqual, show } from '../plain-values.js'

/**
 * Whether a mapping writes the same for an entry whenever it is asked (§8): it is asked again for what changed while it ran.
 *
 * @throws Flawed
 */
export async function examineMapping(map: Mapping, entry: MappedEntry, { oldState }: MappingStates): Promise<void> {
  const first = await writesOf(map, entry, oldState)
  const second = await writesOf(map, entry, oldState)
  // A mapping that throws is reported by the introduction itself.
  if (first === undefined || areEqual(first, second)) return
  throw flawed(
    'transform',
    `the mapping of ${show([...entry.sublevel, entry.key])} writes otherwise when it is asked again (§8)`,
    {
      expected: show(first),
      actual: show(second)
    }
  )
}

/** By key with its sublevels. */
async function writesOf(
  map: Mapping,
  entry: MappedEntry,
  oldState: MappingStates['oldState']
): Promise<ReadonlyMap<string, unknown> | undefined> {
  const writes = new Map<string, unknown>()
  const under = (prefix: readonly string[]): MappingWrites => ({
    put: async (key, value) => {
      writes.set(show([...prefix, key]), structuredClone(value))
    },
    sublevel: name => under([...prefix, name])
  })
  try {
    await map(entry, { oldState, newState: under([]) })
  } catch {
    return undefined
  }
  return writes
}
