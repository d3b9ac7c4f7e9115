// A late peer takes several versions in one switch (§14). Each step is on disk by itself, and none of them is a version that runs.

import { Level } from 'level'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ClassDefinition,
  type ObjectContext,
  type UpgradeDefinition
} from '../src/index.js'
import { readStateMeta } from '../src/host/index.js'
import { createTestObject, type TestObject, type TestObjectInit } from '../src/testing/index.js'

const methods = {
  put: command(z.tuple([z.string(), z.string()]), z.void()),
  all: query(z.tuple([]), z.array(z.tuple([z.string(), z.string()])))
}
const contracts = [1, 2, 3, 4].map(() => defineContract('Store', methods))
const [first] = contracts as [(typeof contracts)[0]]

class Store {
  constructor(readonly ctx: ObjectContext) {}
  async put(key: string, value: string): Promise<void> {
    await this.ctx.state.put(key, value)
  }
  all(): Promise<[string, string][]> {
    return this.ctx.state.iterator<string, string>().all()
  }
}

class Through {
  constructor(readonly ctx: { readonly delegate: Store }) {}
  put(key: string, value: string): Promise<void> {
    return this.ctx.delegate.put(key, value)
  }
  all(): Promise<[string, string][]> {
    return this.ctx.delegate.all()
  }
}

const simulations = { future: Through as never, past: Through as never }

/** What happens in the transform to each version, before its last write. */
let meanwhile: (version: number) => void | Promise<void>
/** The versions to which transforms have begun, in order. */
let begun: number[]

/** Each version appends its number to every value; the third takes the state as it is. */
const chain: ReadonlyArray<ClassDefinition | UpgradeDefinition> = contracts.map((contract, i) => {
  const to = defineClass(contract, Store)
  const version = i + 1
  if (version === 1) return to
  const from = contracts[i - 1] ?? contract
  if (version === 3) return defineUpgrade({ from, to, ...simulations })
  return defineUpgrade({
    from,
    to,
    ...simulations,
    transform: async ({ oldState, newState }) => {
      begun.push(version)
      for await (const [key, value] of oldState.iterator<string, string>())
        await newState.put(key, `${value}${version}`)
      await meanwhile(version)
    }
  })
})

let directory: string
let object: TestObject

async function open(
  init: { readonly in?: string; readonly start?: number; readonly keepBefore?: true } = {}
): Promise<void> {
  const { start = 1, keepBefore } = init
  object = await createTestObject({
    directory: init.in ?? directory,
    versions: chain as unknown as TestObjectInit['versions'],
    start,
    ...(keepBefore === undefined ? {} : { keepBefore })
  })
}

const at = (version: number) => object.at(version, first)
const killed = (): string => join(directory, 'killed')
/** What is on disk now, as a process that is killed leaves it. */
const keep = (): Promise<void> => cp(join(directory, 'state-1'), join(killed(), 'state-1'), { recursive: true })

async function spacesIn(path: string): Promise<string[]> {
  const db = new Level(path)
  try {
    const keys = await db.keys({ gte: 'd!', lt: 'd"' }).all()
    return [...new Set(keys.map(key => key.split('!')[1] ?? ''))]
  } finally {
    await db.close()
  }
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-walk-'))
  begun = []
  meanwhile = () => undefined
  await open()
  await at(1).put('a', '1')
})

afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true, force: true })
})

describe('a switch through several versions', () => {
  it('takes every step, and names the last', async () => {
    const meta = await object.upgrade(4)
    expect(meta).toMatchObject({ current: 4, revision: 4 })
    expect(meta.walked).toBeUndefined()
    expect(await at(4).all()).toEqual([['a', '124']])
  })

  it('names the version of before until it is over, so that a process that is killed never runs one in between (R13)', async () => {
    meanwhile = async version => {
      if (version === 4) await keep()
    }
    await object.upgrade(4)
    const meta = await readStateMeta(join(killed(), 'state-1'))
    expect(meta).toMatchObject({ current: 1, walked: { meta: { current: 3 } } })
  })

  it('goes on after a kill with the step that it was at', async () => {
    meanwhile = async version => {
      if (version === 4) await keep()
    }
    await object.upgrade(4)
    await object.close()
    begun = []
    meanwhile = () => undefined
    await open({ in: killed(), start: 4 })
    expect(begun).toEqual([4])
    expect(await at(4).all()).toEqual([['a', '124']])
  })

  it('begins again where the version of before has served meanwhile: calls may have changed what was built of', async () => {
    meanwhile = async version => {
      if (version === 4) await keep()
    }
    await object.upgrade(4)
    await object.close()
    await open({ in: killed() })
    expect(await at(1).all()).toEqual([['a', '1']])
    await at(1).put('b', '1')
    begun = []
    meanwhile = () => undefined
    await object.upgrade(4)
    expect(begun).toEqual([2, 4])
    expect(await at(4).all()).toEqual([
      ['a', '124'],
      ['b', '124']
    ])
  })

  it('leaves the version of before running when a step fails, and says which', async () => {
    meanwhile = version => {
      if (version === 4) throw new Error('it cannot be')
    }
    await expect(object.upgrade(4)).rejects.toMatchObject({ code: 'TransformFailed', detail: { step: 4 } })
    expect(await at(1).all()).toEqual([['a', '1']])
  })

  it('needs room for three states at most, however many there are', async () => {
    meanwhile = async version => {
      if (version === 4) await keep()
    }
    await object.upgrade(4)
    expect((await spacesIn(join(killed(), 'state-1'))).length).toBeLessThanOrEqual(3)
  })

  it('goes back by copy to where it began, from its last version', async () => {
    await object.close()
    await open({ keepBefore: true })
    await object.upgrade(4)
    await at(4).put('b', '4')
    expect(await object.goBack(1)).toMatchObject({ current: 1 })
    expect(await at(1).all()).toEqual([['a', '1']])
  })
})
