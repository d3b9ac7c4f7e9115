import { resolve } from 'node:path'
import type { Io } from '../io.js'

/** Which peer is meant: `--data`, or INSTAR_DATA, or `.instar` in the current folder. */
export function dataDirectoryOf(options: { readonly data?: string }, io: Io): string {
  return resolve(io.cwd, options.data ?? io.env['INSTAR_DATA'] ?? '.instar')
}
