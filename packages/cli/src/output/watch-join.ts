import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import type { PeerOptions } from '../options/common.js'
import { toWords } from '../options/duration.js'
import type { Output } from './output.js'

/** Waits until a timestamp vouches for everything that the peer holds. Whether it came in time. */
export async function watchJoin(options: PeerOptions, io: Io, output: Output, waitMs: number): Promise<boolean> {
  let told = false
  try {
    return await withPeer({ ...options, timeout: waitMs }, io, async client => {
      for await (const event of client.events()) {
        if (event.type !== 'status') continue
        const { freshUntil } = event.status.trust
        if (freshUntil !== undefined) {
          output.result({ freshUntil }, () => `Trust is fresh until ${freshUntil}.`)
          return true
        }
        if (!told) output.line(`Waiting up to ${toWords(waitMs)} for a peer with online keys to join it …`)
        told = true
      }
      return false
    })
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === 'Timeout') return false
    throw thrown
  }
}
