import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// INSTAR_LONG=1 lengthens property tests (see test/property-budget.ts), so that their time limits grow with them.
const patience = process.env['INSTAR_LONG'] === '1' ? 20 : 1

// Every process that a test starts loads the same modules: V8 keeps what it compiled of them. The folder is the checkout's own, so nobody else writes to it.
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'packages/*/src/**/*.test.ts'],
          setupFiles: ['test/property-budget.ts'],
          env,
          testTimeout: 15_000 * patience,
          hookTimeout: 15_000 * patience,
          maxWorkers: '100%',
          sequence: { groupOrder: 1 }
        }
      },
      {
        // Real processes and sockets: one file at a time, after the unit tests, so that time limits mean something.
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          setupFiles: ['test/property-budget.ts'],
          env,
          fileParallelism: false,
          testTimeout: 120_000 * patience,
          hookTimeout: 120_000 * patience,
          sequence: { groupOrder: 2 }
        }
      }
    ]
  }
})
