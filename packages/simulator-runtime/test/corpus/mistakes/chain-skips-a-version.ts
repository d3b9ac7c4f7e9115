import { defineUpgrade } from '@instar/simulator-runtime'
import { rightCountedSets } from '../bases/counted-sets.js'
import { intSet } from '../bases/sets.js'
import type { Checked, Mistake } from '../mistake.js'

function skipping({ versions, specifications }: Checked): Checked {
  const [first, second, third] = versions
  if (second === undefined || third?.instar !== 'upgrade') throw new TypeError('there are three versions')
  const transform = third.transform
  const skips = defineUpgrade({ from: intSet, to: third.to, ...(transform === undefined ? {} : { transform }) })
  return { versions: [first, second, skips], specifications: specifications.slice(0, 1) }
}

export default {
  planted: 'the third version upgrades from the first, as if there were no second',
  found: { kind: 'load', naming: /ColorSet|version 3/ },
  wrong: skipping(rightCountedSets),
  corrected: rightCountedSets
} satisfies Mistake
