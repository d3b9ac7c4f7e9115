import { InstarError, messageOf } from '@instar/core'
import type { Initialize } from '../../definition/define-class.js'
import { Layer, type ByteKey } from '../state/layer.js'
import type { Database } from '../state/merged-entries.js'
import { CommandAccess } from '../state/request-access.js'
import { Store } from '../state/store.js'
import { View } from '../state/view.js'

/** What a class writes into a state of its own before anybody calls it, under whole keys; not in the database yet. */
export async function initialState(db: Database, initialize: Initialize | undefined, prefix: ByteKey): Promise<Layer> {
  if (initialize === undefined) return new Layer()
  const access = new CommandAccess(new Store(db, { sync: true, onBroken: () => undefined }))
  try {
    await initialize(new View(access, prefix))
  } catch (error) {
    if (isOfDatabase(error)) throw error
    // No fault of the disk's: whoever restores its state for this would meet the same again.
    const what = `The code that writes what a state begins with (\`initialize\`) failed: ${messageOf(error)}.`
    throw new InstarError('HostFailed', what, { cause: error })
  }
  access.revoke(() => new TypeError('a state is initialised before it is used'))
  return access.layer
}

function isOfDatabase(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code
  return error instanceof InstarError || (typeof code === 'string' && /^(LEVEL_|E[A-Z]+$)/.test(code))
}
