import { defineConfig } from 'vitest/config'

// INSTAR_LONG=1 lengthens property tests (see test/property-budget.ts), so that their time limits grow with them.
const patience = process.env['INSTAR_LONG'] === '1' ? 20 : 1

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'packages/*/src/**/*.test.ts'],
          setupFiles: ['test/property-budget.ts'],
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
          fileParallelism: false,
          testTimeout: 120_000 * patience,
          hookTimeout: 120_000 * patience,
          sequence: { groupOrder: 2 }
        }
      }
    ]
  }
})
