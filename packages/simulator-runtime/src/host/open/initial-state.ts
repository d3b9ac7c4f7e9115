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
  await initialize(new View(access, prefix))
  access.revoke(() => new TypeError('a state is initialised before it is used'))
  return access.layer
}
