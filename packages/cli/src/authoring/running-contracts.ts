import type { ContractFacts } from '@instar/bundler'
import { InstarError, type StateKind } from '@instar/core'
import { bundleFolderOf } from '@instar/node/control'
import { join } from 'node:path'
import type { ReadTrust } from './read-trust.js'

/** The contract of a class at the newest version that changed it, and that version. */
export interface RunningContract {
  readonly version: number
  readonly contract: ContractFacts
  readonly state: StateKind
}

/**
 * Reads contracts from the bundles that the local peer holds. Which bundle it has to be is what the network's authors signed, and every
 * byte of it is checked before it is imported (R19).
 */
export function runningContracts(
  { upgrades }: ReadTrust,
  dataDirectory: string
): (className: string) => Promise<RunningContract> {
  return async className => {
    const { inspectModule, readBundle } = await import('@instar/bundler')
    const found = upgrades
      .flatMap(({ version, descriptor }) => descriptor.classes.map(each => ({ version, ...each })))
      .findLast(each => each.newClass === className)
    if (found === undefined) throw new InstarError('BadInput', `The network has no class ${className} to patch.`)
    const { version, bundle, entry, state } = found
    const folder = bundleFolderOf(dataDirectory, bundle)
    const held = await readBundle(folder).catch((cause: unknown) => {
      throw new InstarError(
        'BundleUnavailable',
        `The peer in ${dataDirectory} does not hold the code of ${className} at version ${version}, with which a patch is compared: name a peer that runs ${className} with --data.`,
        { cause, detail: { bundle } }
      )
    })
    if (held.bundle !== bundle)
      throw new InstarError('BundleInvalid', `${folder} holds the bundle ${held.bundle}, not ${bundle}.`)
    const { contract } = await inspectModule(join(folder, 'files', entry))
    return { version, contract, state }
  }
}
