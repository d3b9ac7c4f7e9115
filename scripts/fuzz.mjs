// Feeds every decoder mutants of valid inputs for as long as it is told: npm run fuzz -- --seconds 600. See test/fuzz/main.ts.
//
// Node strips the types of test/fuzz by itself, but takes imports by their word: './x.js' is looked for as './x.ts' there.

import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

registerHooks({
  resolve(specifier, context, next) {
    const source = specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL !== undefined
    const typed = source && new URL(specifier.replace(/js$/, 'ts'), context.parentURL)
    return next(typed && existsSync(fileURLToPath(typed)) ? typed.href : specifier, context)
  }
})

await import('../test/fuzz/main.ts')
