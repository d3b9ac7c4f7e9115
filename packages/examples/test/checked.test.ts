import type { SimulationDefinition, UpgradeDefinition } from '@instar/simulator-runtime'
import { checkUpgrade, describeReport, type CheckUpgradeInit } from '@instar/simulator-runtime/check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import fileAccessSpecification from '../src/file-access/v2.specification.js'
import {
  colorSetV2,
  colorSetV2Interceptor,
  colorSetV2Shadowed,
  colorSetV2Twin,
  colorSetV3,
  colorSetV3Shadowed,
  colorSetV3Twin,
  colorSetV4,
  fileAccessV2,
  fileAccessV2Twin,
  filePermissionsV1,
  intSetV1,
  keyValueV1,
  keyValueV2,
  keyValueV2Shadowed,
  keyValueV3,
  keyValueV4
} from '../src/index.js'
import colorSetSpecification from '../src/int-set/v2-twin.specification.js'
import directColorSetSpecification from '../src/int-set/v2.specification.js'
import countingTwinSpecification from '../src/int-set/v3-twin.specification.js'
import countingSpecification from '../src/int-set/v3.specification.js'
import keyValueV2Specification from '../src/key-value/v2.specification.js'
import keyValueV3Specification from '../src/key-value/v3.specification.js'
import keyValueV4Specification from '../src/key-value/v4.specification.js'

type Checked = Pick<CheckUpgradeInit, 'versions' | 'specifications'>

const examples: Readonly<Record<string, Checked>> = {
  'example A as twins': {
    versions: [intSetV1, colorSetV2Twin, colorSetV3Twin],
    specifications: [colorSetSpecification, countingTwinSpecification]
  },
  'example A in the shadowed model': {
    versions: [intSetV1, colorSetV2Shadowed, colorSetV3Shadowed],
    specifications: [colorSetSpecification, countingSpecification]
  },
  'example A in the interceptor model': {
    versions: [intSetV1, colorSetV2Interceptor],
    specifications: [colorSetSpecification]
  },
  'example A in the direct model, with a patch': {
    versions: [intSetV1, colorSetV2, colorSetV3, colorSetV4],
    specifications: [directColorSetSpecification, countingSpecification]
  },
  'example B as a twin': { versions: [filePermissionsV1, fileAccessV2Twin], specifications: [fileAccessSpecification] },
  'example B in the shadowed model': {
    versions: [filePermissionsV1, fileAccessV2],
    specifications: [fileAccessSpecification]
  },
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
    const report = await checkUpgrade({ ...(examples[name] as Checked), budget: { histories: propertyRuns(10) } })
    expect(report.passed, describeReport(report)).toBe(true)
    expect(report.unspecified).toEqual([])
  })
})

/** The upgrade with one shadow of a side left out: it says that nothing has happened. */
function without(upgrade: UpgradeDefinition, side: 'past' | 'future', shadow: string): UpgradeDefinition {
  const simulation = upgrade[side] as SimulationDefinition
  const implementation = class extends (simulation.implementation as new (ctx: object) => object) {}
  Object.defineProperty(implementation.prototype, shadow, { value: () => [] })
  return { ...upgrade, [side]: { ...simulation, implementation: implementation as never } }
}

describe('the checker finds in the key-value store', () => {
  it.each([
    ['that a write of version 1 stays unseen', [keyValueV1, without(keyValueV2, 'future', '$put')], /v1\.put/],
    [
      'that what has expired is swept at one version only',
      [keyValueV2.to, without(keyValueV3, 'past', '$sweep')],
      /sweep/
    ],
    [
      'that a conflict is resolved at one version only',
      [keyValueV3.to, without(keyValueV4, 'future', '$resolve')],
      /resolve/
    ]
  ] as const)('%s', { timeout: 120_000 }, async (_, versions, naming) => {
    const specifications = [keyValueV2Specification, keyValueV3Specification, keyValueV4Specification]
    const [from] = versions
    const specification = specifications.find(each => each.from === from.contract)
    const report = await checkUpgrade({ versions, specifications: [specification], seed: 1 })
    expect(report.failure?.transcript, describeReport(report)).toMatch(naming)
  })
})
