import { InstarError, messageOf } from '@instar/core'
import type { TestObject } from '../../testing/test-object.js'
import { flawed } from '../flaw.js'
import type { Reference } from '../reference/reference.js'
import { reverseOf, revisionOf, type Lineage } from '../versions.js'
import type { Life, LifeEvent } from './steps.js'

/** What the object is compared with: as it is now, and as it was before the upgrade that is on trial. */
export interface References {
  now: Reference | undefined
  before: Reference | undefined
}

interface TakeEventInit {
  readonly lineage: Lineage
  readonly life: Life
  readonly object: TestObject
  readonly references: References
  /** What was seen before the event says nothing any more. */
  readonly forget: () => void
  /** Loads the definitions as a new process does. */
  readonly reload: () => Promise<void>
}

/** One event of an object's life, at the object and at its reference alike. @throws Flawed when the object does not survive it */
export async function takeEvent(step: LifeEvent, init: TakeEventInit): Promise<void> {
  const { lineage, life, object, references } = init
  const { high, low, current } = life
  if (step.event === 'upgrade') references.before = references.now?.copy()
  life.take(step)

  const drop = (version: number): void => {
    const revision = revisionOf(lineage, version)
    const isServed = lineage.revisions.some((each, i) => each === revision && life.serves(i + 1))
    if (!isServed) references.now?.drop(revision)
  }
  /** Every version above that is served from now on begins as its neighbour is. */
  const introduceAbove = async (below: number): Promise<void> => {
    for (let version = below + 1; version <= life.high; version++) {
      await references.now?.introduce(revisionOf(lineage, version))
    }
  }

  switch (step.event) {
    case 'introduce':
      await explained(() => object.introduce(life.high))
      return introduceAbove(high)
    case 'withdraw':
      await explained(() => object.withdraw(high))
      drop(high)
      return
    case 'upgrade':
      // What no past simulation object serves afterwards goes before: a plan cannot have it.
      if (life.low > low) await explained(() => object.retire(life.low - 1))
      await explained(() => object.upgrade(life.current))
      if (step.by > 1) await explained(() => object.commit())
      await introduceAbove(high)
      for (let version = low; version < life.low; version++) drop(version)
      return
    case 'goBack':
      if (reverseOf(lineage.versions[current - 1]) !== undefined) {
        await explained(() => object.goBack(life.current, 'transform'))
        // The old version's answers stay those that its simulation object gave; what only later versions knew is lost.
        for (let version = life.high + 1; version <= high; version++) drop(version)
        return
      }
      await explained(() => object.goBack(life.current))
      // The state of before the upgrade was kept: what was done on trial is lost (§8, `back: copy`).
      if (isRebuilt(lineage, life.current, current)) {
        references.now = references.before
        init.forget()
      }
      return introduceAbove(life.current)
    case 'commit':
      await explained(() => object.commit())
      return
    case 'retire':
      await explained(() => object.retire(low))
      drop(low)
      return
    case 'restart':
      await init.reload()
      await explained(() => object.restart())
      return
    case 'crash':
      await init.reload()
      await explained(() => object.crash())
      return
  }
}

/** Whether one of these upgrades made a new state; otherwise the object has gone on with the one it had. */
function isRebuilt({ versions }: Lineage, from: number, to: number): boolean {
  return versions
    .slice(from, to)
    .some(each => each.instar === 'upgrade' && (each.transform !== undefined || each.entries !== undefined))
}

/** An event that the code does not survive is a flaw of it. */
export async function explained<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof InstarError)) throw error
    const kind = error.code.startsWith('Transform') ? 'transform' : 'load'
    throw flawed(kind, messageOf(error))
  }
}
