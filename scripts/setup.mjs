// Makes a clone ready to run: installs when the lockfile asks for something else than what is in node_modules, builds
// when a source changed since the last build, and says which. It runs before anything is installed, so it depends on
// nothing but the Node of the machine (20 or newer); what it starts after the installation runs on the Node that the
// lockfile pins (node_modules/.bin/node, from the package node-linux-*).
//
//   node scripts/setup.mjs [--quiet]

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MIN = [22, 22, 2]
const LOCK_WAIT_MS = 10 * 60_000

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const quiet = process.argv.includes('--quiet')
const pinnedNode = join(root, 'node_modules', '.bin', 'node')
const stampFile = join(root, 'node_modules', '.cache', 'instar', 'build.txt')
const lockFile = join(root, '.setup.lock')
const hasPinnedNode = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)

assertUsableNode()
if (!isInstalled() || !isBuilt()) {
  takeLock()
  if (!isInstalled()) install()
  if (!isBuilt()) build()
}

function assertUsableNode() {
  const have = process.versions.node.split('.').map(Number)
  const [major = 0, minor = 0, patch = 0] = NODE_MIN.map((need, i) => (have[i] ?? 0) - need)
  if (!hasPinnedNode && (major || minor || patch) < 0) {
    fail(
      `Instar needs Node.js ${NODE_MIN.join('.')} or newer on ${process.platform}-${process.arch}; this is ${process.versions.node}.`
    )
  }
  if ((have[0] ?? 0) < 20) fail(`Setting up Instar needs Node.js 20 or newer; this is ${process.versions.node}.`)
}

/** Whether node_modules holds what package-lock.json asks for, whoever installed it. */
function isInstalled() {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined) fail('package-lock.json is missing or broken: restore it with git.')
  if (present === undefined || (hasPinnedNode && !existsSync(pinnedNode))) return false
  return Object.entries(wanted).every(([path, entry]) => {
    const found = present[path]
    if (!path.includes('node_modules/')) return true
    if (found === undefined) return entry.optional === true // made for another platform
    return found.version === entry.version && found.integrity === entry.integrity && found.resolved === entry.resolved
  })
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined // absent or cut off: both mean "install"
  }
}

function install() {
  // An existing tree is corrected in place: `npm ci` would delete it under the feet of whatever runs from it.
  const fresh = !existsSync(join(root, 'node_modules', '.package-lock.json'))
  say(`installing the dependencies (npm ${fresh ? 'ci' : 'install'})`)
  run(fresh ? ['npm', 'ci', '--loglevel=error'] : ['npm', 'install', '--no-save', '--loglevel=error'], pathWithoutBin())
  if (!isInstalled()) fail('npm ended well, but node_modules is not what package-lock.json asks for.')
}

/** npm replaces node_modules/.bin/node, so it must itself run on the Node of the machine. */
function pathWithoutBin() {
  const bin = join('node_modules', '.bin')
  const path = (process.env.PATH ?? '').split(delimiter)
  return path.filter(entry => !entry.endsWith(bin)).join(delimiter)
}

function isBuilt() {
  if (packageNames().some(name => !existsSync(join(root, 'packages', name, 'dist', '.tsbuildinfo')))) return false
  try {
    return readFileSync(stampFile, 'utf8') === sourceStamp()
  } catch {
    return false // never built
  }
}

function build() {
  say('building')
  const stamp = sourceStamp() // taken before: a source that changes meanwhile is built next time
  run([hasPinnedNode ? pinnedNode : process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'])
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, stamp)
}

/** A digest of path, size and time of everything that the build reads. */
function sourceStamp() {
  const hash = createHash('sha256')
  const add = path => {
    const { size, mtimeMs } = statSync(path)
    hash.update(`${path}:${size}:${mtimeMs}\n`)
  }
  for (const name of ['package-lock.json', 'tsconfig.json', 'tsconfig.base.json']) add(join(root, name))
  for (const name of packageNames()) {
    const folder = join(root, 'packages', name)
    add(join(folder, 'package.json'))
    add(join(folder, 'tsconfig.json'))
    const sources = readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true })
    const files = sources.filter(entry => entry.isFile()).map(entry => join(entry.parentPath ?? entry.path, entry.name))
    for (const file of files.sort()) add(file)
  }
  return hash.digest('hex')
}

function packageNames() {
  const names = readdirSync(join(root, 'packages')).sort()
  return names.filter(name => existsSync(join(root, 'packages', name, 'tsconfig.json')))
}

/** Two set-ups of one clone at the same time would install over each other; the second waits. */
function takeLock() {
  const waitsUntil = Date.now() + LOCK_WAIT_MS
  for (let told = false; ;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const owner = lockOwner()
    if (owner === undefined) continue
    if (!isRunning(owner)) removeLock()
    else if (Date.now() > waitsUntil) fail(`another set-up (process ${owner}) does not end; stop it and try again.`)
    else if (!told) {
      told = true
      say(`waiting for another set-up (process ${owner})`)
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
  process.on('exit', removeLock)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
}

function lockOwner() {
  try {
    return Number(readFileSync(lockFile, 'utf8'))
  } catch {
    return undefined // just released
  }
}

function isRunning(pid) {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function removeLock() {
  try {
    unlinkSync(lockFile)
  } catch {
    // already gone, which is what we want
  }
}

function run([command, ...args], path = process.env.PATH) {
  const stdio = ['ignore', quiet ? process.stderr : 'inherit', 'inherit']
  const started = Date.now()
  const { status, error } = spawnSync(command, args, { cwd: root, stdio, env: { ...process.env, PATH: path } })
  if (error !== undefined) fail(`cannot start ${command}: ${error.message}`)
  if (status !== 0) fail(`${[command, ...args].join(' ').replaceAll(root + '/', '')} failed; see above.`)
  say(`done in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

function say(line) {
  if (!quiet) console.log(`set-up: ${line}`)
}

function fail(line) {
  console.error(`set-up: ${line}`)
  process.exit(1)
}
