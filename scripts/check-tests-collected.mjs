// Fails for a test file that no vitest project collects: a test that never runs looks exactly like one that passes.
//
//   node scripts/check-tests-collected.mjs [folder]

import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = dirname(dirname(fileURLToPath(import.meta.url)))
const root = resolve(process.argv[2] ?? home)

const present = globSync('**/*.{test,spec}.{ts,mts,cts,tsx,js,mjs,cjs}', {
  cwd: root,
  exclude: path => /(^|\/)(node_modules|dist|\.git|\.turbo)(\/|$)/.test(String(path))
})
const collected = new Set(listCollected())
const missed = present.filter(file => !collected.has(file)).sort()

for (const file of missed) console.error(`${file}: no vitest project collects this file (see vitest.config.ts)`)
if (missed.length > 0) process.exitCode = 1
else console.log(`${present.length} test files, all collected`)

function listCollected() {
  const vitest = join(home, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'list', '--filesOnly', '--json', '--root', root, '--config', join(home, 'vitest.config.ts')]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`vitest list failed:\n${stderr}${stdout}`)
  return JSON.parse(stdout).map(({ file }) => relative(root, file))
}
