import { checkUpgrade, describeReport } from '@instar/simulator-runtime/check'
import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { runsEverything } from '../../../../test/fixtures/selection.js'
import type { Checked, Mistake } from './mistake.js'

const folder = new URL('mistakes/', import.meta.url)
const files = (await readdir(folder)).filter(each => each.endsWith('.ts')).sort()
const mistakes = await Promise.all(files.map(async file => ({ name: file.replace('.ts', ''), ...(await load(file)) })))

async function load(file: string): Promise<Mistake> {
  const { default: mistake } = (await import(new URL(file, folder).href)) as { default: Mistake }
  return mistake
}

/** The main job looks for one of each kind of flaw. */
const selected = runsEverything
  ? mistakes
  : mistakes.filter((mistake, i) => mistakes.slice(0, i).filter(each => kindOf(each) === kindOf(mistake)).length < 1)

function kindOf({ found }: Mistake): string {
  return [found.kind].flat().join(' or ')
}

/** The tests of one half of the mistakes: test files run side by side. */
export function findsEvery(half: 'first' | 'second'): void {
  const middle = Math.ceil(selected.length / 2)
  const these = half === 'first' ? selected.slice(0, middle) : selected.slice(middle)
  describe('within its default budget the checker finds', { timeout: 120_000 }, () => {
    it.each(these)('$name: $planted', async ({ wrong, found }) => {
      const report = await checkUpgrade({ ...wrong, seed: 1 })
      expect(report.failure?.transcript, describeReport(report)).toMatch(found.naming)
      expect([found.kind].flat(), describeReport(report)).toContain(report.failure?.kind)
    })
  })
}

/** Many a mistake is beside the same right upgrade: that is checked once. */
export function rightOnes(): ReadonlyArray<{ readonly of: string; readonly corrected: Checked }> {
  const names = new Map<Checked, string[]>()
  for (const { name, corrected } of mistakes) names.set(corrected, [...(names.get(corrected) ?? []), name])
  return [...names].map(([corrected, of]) => ({ of: of.join(', '), corrected }))
}
