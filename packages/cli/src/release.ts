import { createRequire } from 'node:module'

/** The release of Instar that this is. */
export const release = (createRequire(import.meta.url)('../package.json') as { version: string }).version
