import { cp, rm } from 'node:fs/promises'
import type { LocalPeer, StartOptions } from '@instar/local-network'
import { hostsOf, killNow } from '../fixtures/processes.js'

/** Ends a peer and keeps its data directory as it is now; the returned starts it from there, as often as something is to be tried. */
export async function keepTemplate(peer: LocalPeer): Promise<(options?: StartOptions) => Promise<void>> {
  const template = `${peer.dataDirectory}.template`
  await peer.stop()
  await rm(template, { recursive: true, force: true })
  await cp(peer.dataDirectory, template, { recursive: true })
  return async options => {
    await clear(peer)
    await rm(peer.dataDirectory, { recursive: true, force: true })
    await cp(template, peer.dataDirectory, { recursive: true })
    await peer.start(options)
  }
}

/** Nothing of what was tried before writes into the next data directory. */
async function clear(peer: LocalPeer): Promise<void> {
  if (peer.pid === undefined) return
  const hosts = await hostsOf(peer.pid)
  await peer.kill()
  killNow(hosts)
}
