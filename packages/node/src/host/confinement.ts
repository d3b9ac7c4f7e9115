import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { memoryReport } from './own-memory.js'

/**
 * Node's permission model for a host: files only of what is named here, of Instar and its dependencies; written only where that is named;
 * no processes. LevelDB needs its addon, and the addon's loader a look at one file of the system; the watch over the process needs a worker, and to know how much memory
 * that takes.
 * The network stays open: an object may have neighbours of its own. A seat belt, not a wall.
 *
 * @param read folders that exist
 * @param write folders that exist, or all of one name (`…/state*`); Node 24 refuses a folder whose name another one begins with
 */
export function confinement(read: readonly string[], write: readonly string[]): readonly string[] {
  // Links are followed: a module is known by where it lies in the end.
  const folders = read.flatMap(folder => [folder, realpathSync(folder)])
  const readable = [...new Set([...folders, ...installation(), ...write, '/etc/alpine-release', memoryReport])]
  return [
    '--permission',
    '--allow-addons',
    '--allow-worker',
    ...readable.map(path => `--allow-fs-read=${path}`),
    ...write.map(path => `--allow-fs-write=${path}`)
  ]
}

/** This package, the packages beside it, and every folder of dependencies above them. */
function installation(): string[] {
  const resolver = createRequire(import.meta.url)
  const own = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
  const siblings = ['@instar/core', '@instar/rpc', '@instar/simulator-runtime'].map(name =>
    dirname(realpathSync(resolver.resolve(`${name}/package.json`)))
  )
  const roots = [own, ...siblings]
  const folders = roots.flatMap(root => [root, ...above(root)])
  return [...new Set(folders)].filter(path => existsSync(path))
}

function above(root: string): string[] {
  const found: string[] = []
  for (let folder = root; dirname(folder) !== folder; folder = dirname(folder)) {
    // Node looks for both on its way to a module.
    found.push(join(folder, 'node_modules'), join(folder, 'package.json'))
  }
  return found
}
