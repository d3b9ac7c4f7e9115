import type { StubOf } from '@instar/simulator-runtime'
import type { store } from '../fixtures/store.js'

const entryBytes = 1024
const entriesPerCommand = 512

/** Makes the state this large. @returns how many entries it has */
export async function fill(object: StubOf<typeof store>, bytes: number, signal: AbortSignal): Promise<number> {
  const entries = Math.ceil(bytes / entryBytes)
  for (let at = 0; at < entries; at += entriesPerCommand) {
    signal.throwIfAborted()
    await object.fill(at, Math.min(entriesPerCommand, entries - at), entryBytes)
  }
  return entries
}
