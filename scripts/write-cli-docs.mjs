// Writes docs/cli.md from the program itself; a unit test of the CLI fails when the two differ.
//
//   node scripts/write-cli-docs.mjs

import { writeFileSync } from 'node:fs'
import { createProgram, toDocsPage } from '../packages/cli/dist/index.js'

const nowhere = { out: () => {}, err: () => {}, env: {}, cwd: '/', now: () => 0 }
writeFileSync(new URL('../docs/cli.md', import.meta.url), toDocsPage(createProgram(nowhere)))
