import { checkUpgrade, describeReport } from '@instar/simulator-runtime/check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../../test/property-budget.js'
import { rightOnes } from './table.js'

describe('the checker accepts what is corrected of', { timeout: 120_000 }, () => {
  it.each(rightOnes())('$of', async ({ corrected }) => {
    const report = await checkUpgrade({ ...corrected, seed: 1, budget: { histories: propertyRuns(10) } })
    expect(report.passed, describeReport(report)).toBe(true)
  })
})
