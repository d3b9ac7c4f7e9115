import { join } from 'node:path'

/** Where the parts of a peer's data directory lie. */
export interface DataPaths {
  readonly root: string
  readonly identityKey: string
  readonly config: string
  readonly store: string
  readonly journal: string
  readonly bundles: string
  readonly state: string
  readonly controlSocket: string
  readonly log: string
  readonly audit: string
  /** Host processes that were started and not seen to end. */
  readonly hosts: string
  /** For what is tried out; emptied at each start. */
  readonly scratch: string
  /** What resets have moved out of the way; deleted by nobody but the operator. */
  readonly aside: string
}

export function dataPaths(root: string): DataPaths {
  return {
    root,
    identityKey: join(root, 'identity.key'),
    config: join(root, 'config.json'),
    store: join(root, 'store'),
    journal: join(root, 'journal'),
    bundles: join(root, 'bundles'),
    state: join(root, 'state'),
    controlSocket: join(root, 'control.sock'),
    log: join(root, 'log'),
    audit: join(root, 'audit'),
    hosts: join(root, 'hosts'),
    scratch: join(root, 'scratch'),
    aside: join(root, 'aside')
  }
}

/** Where a peer with this data directory keeps a bundle that it holds. */
export function bundleFolderOf(dataDirectory: string, bundle: string): string {
  return join(dataPaths(dataDirectory).bundles, bundle)
}

/** Where it keeps all of them. */
export function bundlesFolderOf(dataDirectory: string): string {
  return dataPaths(dataDirectory).bundles
}
