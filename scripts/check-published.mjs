// What would be published can be installed and imported: runs publint over every package that is not private.

import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
let checked = 0

for (const file of globSync('packages/*/package.json', { cwd: root }).sort()) {
  const pkg = JSON.parse(readFileSync(join(root, file), 'utf8'))
  if (pkg.private) continue
  checked++
  const { messages } = await publint({ pkgDir: join(root, dirname(file)), strict: true })
  for (const message of messages) console.error(`${pkg.name}: ${message.type}: ${formatMessage(message, pkg)}`)
  if (messages.some(({ type }) => type !== 'suggestion')) process.exitCode = 1
}
if (!process.exitCode) console.log(`${checked} packages would publish well`)
