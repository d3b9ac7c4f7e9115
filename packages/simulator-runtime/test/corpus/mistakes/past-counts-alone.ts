import { defineUpgrade, type ObjectOf } from '@instar/simulator-runtime'
import { checked, colored, FutureColorSet, intSet, PastIntSet, transform } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class CannotCount implements Omit<ObjectOf<typeof intSet>, 'size'> {
  readonly #counting: PastIntSet

  constructor(ctx: ConstructorParameters<typeof PastIntSet>[0]) {
    this.#counting = new PastIntSet(ctx)
  }

  insert(x: number): Promise<void> {
    return this.#counting.insert(x)
  }

  delete(x: number): Promise<void> {
    return this.#counting.delete(x)
  }

  contains(x: number): Promise<boolean> {
    return this.#counting.contains(x)
  }
}

const future = { model: 'shadowed', implementation: FutureColorSet } as const
const disallow = { size: 'a colour set cannot say how many elements it has' }

export default {
  planted: 'a direct past simulation object answers from its own count, which misses the calls of version 2',
  found: { kind: 'sequence', naming: /v1\.size\(\) = / },
  wrong: checked(defineUpgrade({ from: intSet, to: colored, future, past: PastIntSet, transform })),
  corrected: checked(
    defineUpgrade({ from: intSet, to: colored, future, past: { implementation: CannotCount, disallow }, transform }),
    { disallow: { old: disallow } }
  )
} satisfies Mistake
