import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// INSTAR_LONG=1 lengthens property tests (see test/property-budget.ts), so that their time limits grow with them.
const long = process.env['INSTAR_LONG'] === '1'
const patience = long ? 20 : 1

// Every process that a test starts loads the same modules: V8 keeps what it compiled of them. The folder is the checkout's own, so nobody else writes to it.
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') }

// Real processes and sockets, each in a temporary folder and on ports of its own.
const realProcesses = {
  setupFiles: ['test/property-budget.ts'],
  env,
  testTimeout: 120_000 * patience,
  hookTimeout: 120_000 * patience
}
// A story with its own hours: kills and latecomers have to meet what six peers do at that moment.
const alone = ['test/demo.test.ts']

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
        // After the unit tests. Such a file mostly waits for its peers, and so two of them keep two cores busy (decision 38).
        test: {
          ...realProcesses,
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          maxWorkers: long ? 1 : Math.min(2, availableParallelism()),
          sequence: { groupOrder: 2 }
        }
      },
      {
        test: { ...realProcesses, name: 'alone', include: alone, fileParallelism: false, sequence: { groupOrder: 3 } }
      }
    ]
  }
})
