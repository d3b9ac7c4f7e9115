import {
  callsOf,
  defineClass,
  defineUpgrade,
  type ObjectContext,
  type ObjectOf,
  type SimulationContext,
  type SimulationDefinition,
  type UpgradeDefinition
} from '@instar/simulator-runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import type { fileAccess } from '../src/index.js'
import {
  colorSet,
  colorSetV2,
  colorSetV2Interceptor,
  colorSetV2Shadowed,
  colorSetV2Twin,
  colorSetV3,
  colorSetV3Shadowed,
  colorSetV3Twin,
  fileAccessV2,
  fileAccessV2Twin,
  filePermissionsV1,
  intSet,
  intSetV1,
  type Colour
} from '../src/index.js'
import { flawOf, histories, steps, type Example, type Versions } from './histories.js'
import * as references from './references.js'

const integers = (...versions: Versions): Example => ({ versions, ...references.integers })
const files = (...versions: Versions): Example => ({ versions, ...references.files })
const lengths = { minLength: 5, maxLength: 40 }

const right: Readonly<Record<string, Example>> = {
  'sets in the direct model': integers(intSetV1, colorSetV2, colorSetV3),
  'sets in the shadowed model': integers(intSetV1, colorSetV2Shadowed, colorSetV3Shadowed),
  'sets, a direct version on a shadowed one': integers(
    intSetV1,
    { ...colorSetV2Shadowed, past: colorSetV2.past as SimulationDefinition },
    colorSetV3
  ),
  'sets in the interceptor model': integers(intSetV1, colorSetV2Interceptor),
  'sets as twins': integers(intSetV1, colorSetV2Twin, colorSetV3Twin),
  'files in the shadowed model': files(filePermissionsV1, fileAccessV2),
  'files as a twin': files(filePermissionsV1, fileAccessV2Twin)
}

describe('every history of calls and events', () => {
  it.each(Object.keys(right))(
    'of %s is answered as the reference pair answers it, or refused (R7, R8, R10)',
    { timeout: 120_000 },
    async name => {
      const example = right[name] as Example
      await fc.assert(
        fc.asyncProperty(histories(example, lengths), async history => {
          expect(await flawOf(example, history)).toBeUndefined()
        }),
        { numRuns: propertyRuns(40) }
      )
    }
  )
})

class FutureColours implements ObjectOf<typeof colorSet> {
  constructor(readonly ctx: SimulationContext<typeof intSet>) {}
  async insertColor(x: number, color: Colour): Promise<void> {
    await this.ctx.state.put(String(x), color)
    await this.ctx.delegate.insert(x)
  }
  async delete(x: number): Promise<void> {
    await this.ctx.state.del(String(x))
    await this.ctx.delegate.delete(x)
  }
  async getColor(x: number): Promise<Colour> {
    return (await this.ctx.state.get<string, Colour>(String(x))) ?? 'blue'
  }
  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }
}

class CountsItself implements ObjectOf<typeof intSet> {
  constructor(readonly ctx: SimulationContext<typeof colorSet>) {}
  async insert(x: number): Promise<void> {
    if (await this.contains(x)) return
    await this.ctx.delegate.insertColor(x, 'blue')
    await this.ctx.state.put('size', (await this.size()) + 1)
  }
  async delete(x: number): Promise<void> {
    if (!(await this.contains(x))) return
    await this.ctx.delegate.delete(x)
    await this.ctx.state.put('size', (await this.size()) - 1)
  }
  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }
  async size(): Promise<number> {
    return (await this.ctx.state.get<string, number>('size')) ?? 0
  }
}

/** The upgrade with methods or shadows of one simulation object replaced. */
function withWrong(
  upgrade: UpgradeDefinition,
  side: 'past' | 'future',
  wrong: Record<string, unknown>
): UpgradeDefinition {
  const simulation = upgrade[side] as SimulationDefinition
  const implementation = class extends (simulation.implementation as new (ctx: object) => object) {}
  for (const [name, value] of Object.entries(wrong)) Object.defineProperty(implementation.prototype, name, { value })
  return { ...upgrade, [side]: { ...simulation, implementation: implementation as never } }
}

type Told = { ctx: { state: ObjectContext['state'] } }
const { insertColor } = callsOf(colorSet)
const transformOf = (upgrade: UpgradeDefinition) => upgrade.transform as NonNullable<UpgradeDefinition['transform']>

const mistakes: Readonly<Record<string, Example>> = {
  'a direct colour set that remembers red': integers(
    intSetV1,
    defineUpgrade({ from: intSet, to: colorSetV2.to, future: FutureColours, transform: transformOf(colorSetV2) })
  ),
  'a past simulation object that answers from stale state': integers(intSetV1, {
    ...colorSetV2,
    past: { model: 'direct', implementation: CountsItself, disallow: {} }
  }),
  'an object that keeps nothing': integers(
    defineClass(
      intSet,
      class {
        insert(): void {}
        delete(): void {}
        contains(): boolean {
          return false
        }
        size(): number {
          return 0
        }
      }
    ),
    colorSetV2
  ),
  'a shadow that forgets a deletion': integers(
    intSetV1,
    withWrong(colorSetV2Shadowed, 'future', { $delete: () => [] })
  ),
  'a shadow that paints what is there already': integers(
    intSetV1,
    withWrong(colorSetV2Shadowed, 'future', {
      async $insert(this: Told, { args: [x] }: { args: [number] }) {
        await this.ctx.state.del(String(x))
        return [insertColor(x, 'blue')]
      }
    })
  ),
  'a shadow that counts without looking what was there before': integers(
    intSetV1,
    withWrong(colorSetV2Shadowed, 'past', {
      async $insertColor(this: Told) {
        await this.ctx.state.put('size', ((await this.ctx.state.get<string, number>('size')) ?? 0) + 1)
        return []
      }
    })
  ),
  'a shadow that returns too few calls, which only a third version sees': integers(
    intSetV1,
    colorSetV2Shadowed,
    withWrong(colorSetV3Shadowed, 'past', { $delete: () => [] })
  ),
  'a shadow that throws': integers(
    intSetV1,
    withWrong(colorSetV2Shadowed, 'future', {
      $delete: () => {
        throw new Error('not today')
      }
    })
  ),
  'a transform that loses the future object’s state': integers(intSetV1, {
    ...colorSetV2Shadowed,
    transform: states =>
      transformOf(colorSetV2Shadowed)({ ...states, futureState: states.futureState.sublevel('nothing') })
  }),
  'a transform that leaves the past object empty': integers(intSetV1, {
    ...colorSetV2Shadowed,
    transform: states => transformOf(colorSetV2Shadowed)({ ...states, pastState: states.pastState.sublevel('nothing') })
  }),
  'an interceptor that lets a deletion pass': integers(intSetV1, {
    ...colorSetV2Interceptor,
    future: {
      ...(colorSetV2Interceptor.future as SimulationDefinition),
      instead: class extends (colorSetV2Interceptor.future?.instead as new (ctx: object) => { ctx: never }) {
        delete(x: number): Promise<void> {
          return (this.ctx as SimulationContext<typeof intSet>).delegate.delete(x)
        }
      }
    }
  }),
  'a shadow of chmod that drops the named entries (B1)': files(
    filePermissionsV1,
    withWrong(fileAccessV2, 'future', {
      async $chmod(this: Told, { args: [file] }: { args: [string] }) {
        await this.ctx.state.del(file)
        return []
      }
    })
  ),
  'a shadow of remove that remembers bob (B3)': files(
    filePermissionsV1,
    withWrong(fileAccessV2, 'future', { $remove: () => [] })
  ),
  'a list that is not projected on bits (B2)': files(
    filePermissionsV1,
    withWrong(fileAccessV2, 'future', {
      setAcl(this: { ctx: { state: ObjectContext['state'] } }, file: string, acl: object) {
        return this.ctx.state.put(file, acl)
      }
    })
  ),
  'a past permission that follows the list (B2, B5)': files(
    filePermissionsV1,
    withWrong(fileAccessV2, 'past', {
      mayRead(this: { ctx: SimulationContext<typeof fileAccess> }, file: string, user: string) {
        return this.ctx.delegate.mayRead(file, user)
      }
    })
  )
}

describe('the same check finds', () => {
  it.each(Object.keys(mistakes))('%s', { timeout: 120_000 }, async name => {
    const example = mistakes[name] as Example
    const run = await fc.check(
      fc.asyncProperty(histories(example, { minLength: 20, maxLength: 60 }), async history => {
        expect(await flawOf(example, history)).toBeUndefined()
      }),
      { numRuns: 300, seed: 1, endOnFailure: true }
    )
    expect(run.failed).toBe(true)
  })

  it('and says with which calls', async () => {
    const wrong = mistakes['a shadow that forgets a deletion'] as Example
    const history = steps('introduce', [2, 'insertColor', 1, 'red'], [1, 'delete', 1], [1, 'insert', 1])
    expect(await flawOf(wrong, history)).toBe(
      'introduce\nv2.insertColor(1, "red")\nv1.delete(1)\nv1.insert(1)\nv2.getColor(1) = "red", not "blue"'
    )
  })
})
