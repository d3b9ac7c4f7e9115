import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const upgrade = fileURLToPath(new URL('../fixtures/bench-upgrade.js', import.meta.url))

/**
 * Writes an upgrade module whose bundle has about this many bytes that no other bundle has, so that nobody holds a part of it already.
 *
 * @returns its path
 */
export async function writeUpgradeModule(directory: string, name: string, bytes: number): Promise<string> {
  const path = join(directory, `${name}.mjs`)
  const ballast = randomBytes(Math.ceil(bytes / 2)).toString('hex')
  await writeFile(path, `export { default } from ${JSON.stringify(upgrade)}\nexport const ballast = '${ballast}'\n`)
  return path
}
