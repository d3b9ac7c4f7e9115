// All static checks, two at a time; each prints one line when it passes and what it found when it does not.
//
//   node scripts/check.mjs [name …]

import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const checks = {
  lint: ['eslint', '.'],
  types: ['tsc', '-p', 'tsconfig.check.json'],
  arrows: ['depcruise', '--config', '.dependency-cruiser.js', 'packages', 'test'],
  documented: ['typedoc', '--emit', 'none', '--logLevel', 'Warn'],
  unused: ['knip', '--no-progress', '--no-config-hints'],
  format: ['prettier', '--check', '--log-level=warn', '.'],
  published: ['node', 'scripts/check-published.mjs'],
  pins: ['node', 'scripts/check-pins.mjs'],
  'tests-collected': ['node', 'scripts/check-tests-collected.mjs']
}

const asked = process.argv.slice(2)
const unknown = asked.filter(name => !(name in checks))
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}`)
  process.exit(2)
}

const waiting = Object.entries(checks).filter(([name]) => asked.length === 0 || asked.includes(name))
const failed = []
await Promise.all([work(), work()])
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`)
  process.exitCode = 1
}

async function work() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, command] = next
    const started = Date.now()
    const { ok, output } = await run(command)
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
    if (ok) continue
    failed.push(name)
    console.log(output)
  }
}

/** Runs from PATH, which npm scripts begin with node_modules/.bin; the output is kept, so that two do not mix. */
function run([command, ...args]) {
  return new Promise(done => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', data => (output += data))
    child.stderr.on('data', data => (output += data))
    child.on('error', error => done({ ok: false, output: `cannot start ${command}: ${error.message}` }))
    child.on('close', code => done({ ok: code === 0, output }))
  })
}
