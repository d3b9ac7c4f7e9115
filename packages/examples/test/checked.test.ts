import { checkUpgrade, describeReport, type CheckUpgradeInit } from '@instar/simulator-runtime/check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import { keyValueV1, keyValueV2, keyValueV2Shadowed, keyValueV3, keyValueV4 } from '../src/index.js'
import keyValueV2Specification from '../src/key-value/v2.specification.js'
import keyValueV3Specification from '../src/key-value/v3.specification.js'
import keyValueV4Specification from '../src/key-value/v4.specification.js'

type Checked = Pick<CheckUpgradeInit, 'versions' | 'specifications'>

const examples: Readonly<Record<string, Checked>> = {
  'the key-value store, all four versions as twins': {
    versions: [keyValueV1, keyValueV2, keyValueV3, keyValueV4],
    specifications: [keyValueV2Specification, keyValueV3Specification, keyValueV4Specification]
  },
  'its second version in the shadowed model': {
    versions: [keyValueV1, keyValueV2Shadowed],
    specifications: [keyValueV2Specification]
  }
}

describe('the checker finds no flaw in', () => {
  it.each(Object.keys(examples))('%s', { timeout: 120_000 }, async name => {
    const report = await checkUpgrade({ ...(examples[name] as Checked), budget: { histories: propertyRuns(25) } })
    expect(report.passed, describeReport(report)).toBe(true)
    expect(report.unspecified).toEqual([])
  })
})
