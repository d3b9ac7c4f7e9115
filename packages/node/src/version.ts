import { readFileSync } from 'node:fs'

/** The release of Instar that runs here, as its package says. */
export const instarVersion: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version
