import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { fixtureModule } from '../fixtures/modules.js'
import { isServing } from './go-on.js'

/** A peer that has ended at version 1, and an upgrade of it that is signed and not published yet. */
export interface Proposed {
  readonly network: LocalNetwork
  readonly peer: LocalPeer
  readonly proposal: string
  /** What the data directory held when it ended. */
  readonly template: string
}

/** @param stays a trial lasts: it is to go back */
export async function propose(
  module: string,
  { stays, durability }: { readonly stays: boolean; readonly durability?: 'os' | 'disk' }
): Promise<Proposed> {
  const network = await createLocalNetwork({
    classes: [fixtureModule('ledger/v1')],
    ...(durability === undefined ? {} : { durability })
  })
  const peer = network.addPeer('peer')
  await peer.start({ timing: { retryMinMs: 200, retryMaxMs: 1000 } })
  await peer.until('serves', isServing)
  const proposal = await network.buildUpgrade(peer, {
    modules: [fixtureModule(module)],
    schedule: 'manual',
    probation: '500ms',
    stable: stays ? '1h' : '500ms',
    retireAfter: '1h'
  })
  await peer.stop()
  const template = join(network.directory, 'template')
  await cp(peer.dataDirectory, template, { recursive: true })
  return { network, peer, proposal, template }
}
