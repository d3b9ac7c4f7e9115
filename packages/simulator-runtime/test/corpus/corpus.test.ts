import { checkUpgrade, describeReport } from '@instar/simulator-runtime/check'
import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../../test/property-budget.js'
import type { Checked, Mistake } from './mistake.js'

const folder = new URL('mistakes/', import.meta.url)
const files = (await readdir(folder)).filter(each => each.endsWith('.ts')).sort()
const mistakes = await Promise.all(files.map(async file => ({ name: file.replace('.ts', ''), ...(await load(file)) })))

async function load(file: string): Promise<Mistake> {
  const { default: mistake } = (await import(new URL(file, folder).href)) as { default: Mistake }
  return mistake
}

/** Many a mistake is beside the same right upgrade: that is checked once. */
function rightOnes(): ReadonlyArray<{ readonly of: string; readonly corrected: Checked }> {
  const names = new Map<Checked, string[]>()
  for (const { name, corrected } of mistakes) names.set(corrected, [...(names.get(corrected) ?? []), name])
  return [...names].map(([corrected, of]) => ({ of: of.join(', '), corrected }))
}

describe('within its default budget the checker finds', { timeout: 120_000 }, () => {
  it.each(mistakes)('$name: $planted', async ({ wrong, found }) => {
    const report = await checkUpgrade({ ...wrong, seed: 1 })
    expect(report.failure?.transcript, describeReport(report)).toMatch(found.naming)
    expect([found.kind].flat(), describeReport(report)).toContain(report.failure?.kind)
  })
})

describe('it accepts what is corrected of', { timeout: 120_000 }, () => {
  it.each(rightOnes())('$of', async ({ corrected }) => {
    const report = await checkUpgrade({ ...corrected, seed: 1, budget: { histories: propertyRuns(20) } })
    expect(report.passed, describeReport(report)).toBe(true)
  })
})
