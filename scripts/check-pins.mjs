// Every dependency is pinned to one exact version, the same in all packages, and listed in docs/dependencies.md. The
// lockfile names no address to download from, and has an entry for the optional packages of every platform: npm leaves
// out those that it did not find when the lockfile was made, and then `npm ci` refuses the lockfile everywhere.
//
//   node scripts/check-pins.mjs [folder]

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))))
const read = file => readFileSync(join(root, file), 'utf8')
const exact = /^(npm:@?[\w./-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/
const table = read('docs/dependencies.md')
const problems = []
/** name → version → the files that say so */
const versions = new Map()

for (const file of ['package.json', ...globSync('packages/*/package.json', { cwd: root })].sort()) {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = JSON.parse(read(file))
  const all = { ...dependencies, ...devDependencies, ...optionalDependencies }
  for (const [name, version] of Object.entries(all)) {
    if (!exact.test(version)) problems.push(`${file}: ${name} is "${version}", which is not one exact version`)
    if (!versions.has(name)) versions.set(name, new Map())
    const files = versions.get(name)
    files.set(version, [...(files.get(version) ?? []), file])
  }
  for (const name of Object.keys(peerDependencies ?? {})) problems.push(`${file}: ${name} is a peer dependency`)
}

for (const [name, found] of versions) {
  if (found.size > 1)
    problems.push(`${name} has several versions: ${[...found].map(([v, f]) => `${v} in ${f}`).join('; ')}`)
  const [version] = found.keys()
  const rows = table.split('\n').filter(line => line.startsWith('|') && line.includes(`\`${name}\``))
  if (!name.startsWith('@instar/') && !rows.some(row => row.includes(version.replace(/^npm:/, '')))) {
    problems.push(`docs/dependencies.md: no row for ${name} ${version}`)
  }
}

const locked = JSON.parse(read('package-lock.json')).packages
for (const [path, { resolved, optionalDependencies }] of Object.entries(locked)) {
  if (resolved?.includes('://')) problems.push(`package-lock.json: ${path} names a download address`)
  for (const name of Object.keys(optionalDependencies ?? {})) {
    if (!isLocked(path, name)) problems.push(`package-lock.json: no entry for ${name}, which ${path} asks for`)
  }
}

/** Looks where Node would: in the node_modules of the package, and of every folder above it. */
function isLocked(path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (`${folder === '' ? '' : folder + '/'}node_modules/${name}` in locked) return true
    if (folder === '') return false
  }
}

for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else console.log(`${versions.size} dependencies, all pinned`)
