import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BuildProgress, SimulationFailed } from '../src/host/index.js'
import type { Mapping } from '../src/index.js'
import { createTestObject, type TestObject, type TestObjectInit } from '../src/testing/index.js'
import { badges, badgesContract, colours, failing, holders, numbers, things, v1, v2, v3 } from './twins.js'

let directory: string
let object: TestObject
let failed: SimulationFailed[]
let built: BuildProgress[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-twin-'))
  failed = []
  built = []
})

afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

async function create(versions: TestObjectInit['versions'], limits: object = {}): Promise<void> {
  const onSimulationFailed = (each: SimulationFailed): unknown => failed.push(each)
  const onBuilding = (each: BuildProgress): unknown => built.push(each)
  object = await createTestObject({ versions, directory, overrides: { onSimulationFailed, onBuilding, limits } })
}

const at1 = () => object.at(1, numbers)
const at2 = () => object.at(2, colours)
const at3 = () => object.at(3, things)
const containing = (text: string): unknown => expect.stringContaining(text)
const code = (code: string): unknown => expect.objectContaining({ code })

/** Everything that each version says; one that is not served says why. */
async function answers(): Promise<unknown> {
  const ask = (answer: Promise<unknown>): Promise<unknown> =>
    answer.catch((error: unknown) => (error as { code: string }).code)
  return {
    v1: await ask(at1().all()),
    v2: await ask(at2().all()),
    blue: await ask(at2().painted('blue')),
    red: await ask(at2().painted('red')),
    v3: await ask(at3().list())
  }
}

const everywhere = {
  v1: [1, 2, 3],
  v2: [1, 2, 3],
  blue: [1, 2],
  red: [3],
  v3: [
    [1, 'blue'],
    [2, 'blue'],
    [3, 'red']
  ]
}

async function introduced(): Promise<void> {
  await create([v1, v2(), v3])
  await at1().insert(1)
  await object.introduce(2)
  await object.introduce(3)
  await at1().insert(2)
  await at2().paint(3, 'red')
}

describe('a twin', () => {
  it('is built when it is introduced, and told of every call from either side', async () => {
    await introduced()
    expect(await answers()).toEqual(everywhere)
    await at3().keep(4, 'red')
    await at3().drop(1)
    await at1().delete(2)
    expect(await answers()).toEqual({
      v1: [3, 4],
      v2: [3, 4],
      blue: [],
      red: [3, 4],
      v3: [
        [3, 'red'],
        [4, 'red']
      ]
    })
  })

  it('changes no answer by an upgrade, the way back and another upgrade, whatever is called in between (R10, R22)', async () => {
    await introduced()
    for (const event of [() => object.upgrade(2), () => object.goBack(1), () => object.upgrade(2)]) {
      await event()
      expect(await answers()).toEqual(everywhere)
      await at1().insert(9)
      await at3().drop(9)
      await at2().paint(2, 'red')
      await at2().paint(2, 'blue')
      expect(await answers()).toEqual(everywhere)
    }
    await object.commit()
    await object.upgrade(3)
    expect(await answers()).toEqual(everywhere)
  })

  it('is upgraded, goes back and is committed in the process that runs', async () => {
    await introduced()
    const { host } = object
    const commits = host.stats().commits
    await object.upgrade(2)
    await object.goBack(1)
    await object.upgrade(2)
    await object.commit()
    expect(object.host).toBe(host)
    expect(host.stats().commits).toBe(commits + 4)
    expect(host.describe().map(each => [each.revision, each.role])).toEqual([
      [2, 'object'],
      [1, 'past'],
      [3, 'future']
    ])
  })

  it('is the same after a crash or a restart at any of these moments', async () => {
    await introduced()
    for (const event of [
      () => object.upgrade(2),
      () => object.goBack(1),
      () => object.upgrade(2),
      () => object.commit()
    ]) {
      await event()
      await object.crash()
      expect(await answers()).toEqual(everywhere)
      await object.restart()
      expect(await answers()).toEqual(everywhere)
    }
  })

  it('can go back after a restart without another process: the old class is loaded for it', async () => {
    await introduced()
    await object.upgrade(2)
    await object.restart()
    const { host } = object
    await object.goBack(1)
    expect(object.host).toBe(host)
    expect(await answers()).toEqual(everywhere)
  })

  it('runs a repeated request once, whichever class is the object when it comes again (R12)', async () => {
    await introduced()
    const session = 'ab'.repeat(16)
    const paint = (seq: number, colour: string): Promise<unknown> =>
      object.call(2, 'paint', [3, colour], { session, seq, doneBelow: 1 })
    await paint(1, 'blue')
    await object.upgrade(2)
    await at1().delete(3)
    await paint(1, 'blue')
    await object.goBack(1)
    await paint(1, 'blue')
    expect(await at1().all()).toEqual([1, 2])
    await paint(2, 'red')
    expect(await at2().colourOf(3)).toBe('red')
  })

  it('lets commands that came before an upgrade end before it, and queries go on through it', async () => {
    await introduced()
    const events = [at1().insert(10), object.upgrade(2), at1().insert(11), at3().list(), object.goBack(1), at2().all()]
    await Promise.all(events)
    expect(await at1().all()).toEqual([1, 2, 3, 10, 11])
    expect(await at2().painted('blue')).toEqual([1, 2, 10, 11])
  })

  it('leaves nothing of the old state behind after retirement, once the operator does not want it either', async () => {
    await introduced()
    await object.upgrade(2)
    const meta = await object.retire(1)
    expect(Object.keys(meta.spaces.past)).toEqual([])
    expect(await answers()).toEqual({ ...everywhere, v1: 'UnknownVersion' })
    expect(meta.kept).toMatchObject([{ current: 1, revision: 1 }])
    expect(await object.host.keepStates('all')).toMatchObject([{ version: 1 }])
    await object.host.keepStates([])
    await vi.waitUntil(() => !object.host.stats().cleaning)
    await object.close()
    expect(await spacesIn(join(directory, 'state-1'))).toEqual(
      [meta.spaces.object, ...Object.values(meta.spaces.future)].sort()
    )
  })

  it('lets a late object walk several versions at once, with the same answers as one that went in time', async () => {
    await create([v1, v2(), v3])
    for (const x of [1, 2, 3]) await at1().insert(x)
    await object.upgrade(3)
    const all = { v1: [1, 2, 3], v2: [1, 2, 3], blue: [1, 2, 3], red: [], v3: [1, 2, 3].map(x => [x, 'blue']) }
    expect(await answers()).toEqual(all)
    await at1().delete(2)
    await at2().paint(1, 'red')
    expect(await answers()).toEqual({
      v1: [1, 3],
      v2: [1, 3],
      blue: [3],
      red: [1],
      v3: [
        [1, 'red'],
        [3, 'blue']
      ]
    })
  })

  it('lets it go back from there to where it began, with everything that was acknowledged meanwhile (R22)', async () => {
    await create([v1, v2(), v3])
    for (const x of [1, 2, 3]) await at1().insert(x)
    await object.upgrade(3)
    await at1().delete(2)
    await at2().paint(1, 'red')
    const before = await answers()
    const meta = await object.goBack(1)
    expect(meta).toMatchObject({
      current: 1,
      spaces: { past: {}, future: { 2: expect.any(String) as string, 3: expect.any(String) as string } }
    })
    expect(await answers()).toEqual(before)
    await at1().insert(7)
    expect(await answers()).toMatchObject({ v1: [1, 3, 7], v2: [1, 3, 7], blue: [3, 7], red: [1] })
  })
})

describe('a twin that fails', () => {
  it('before the upgrade costs its version, and no call of the old one', async () => {
    await introduced()
    await at1().insert(failing.v2)
    expect(await answers()).toMatchObject({ v1: [1, 2, 3, failing.v2], v2: 'NotYet', v3: 'NotYet' })
    expect(failed).toMatchObject([{ revision: 2, role: 'future', cause: containing('the new twin fails') }])
  })

  it('further out costs only what lies there', async () => {
    await introduced()
    await at2().paint(failing.v3, 'red')
    expect(await answers()).toMatchObject({ v1: [1, 2, 3, failing.v3], red: [3, failing.v3], v3: 'NotYet' })
  })

  it('to tell the object of its own call has not made that call', async () => {
    await introduced()
    await expect(at2().paint(failing.v1, 'red')).rejects.toThrow(code('NotYet'))
    expect(await answers()).toMatchObject({ v1: [1, 2, 3], v2: 'NotYet', v3: 'NotYet' })
    expect(failed).toMatchObject([{ revision: 2, role: 'future', cause: containing('the old twin fails') }])
  })

  it('costs those further out that it cannot tell', async () => {
    await introduced()
    await at1().insert(failing.opaque)
    expect(await answers()).toMatchObject({ v1: [1, 2, 3, failing.opaque], blue: [1, 2, failing.opaque], v3: 'NotYet' })
  })

  it.each([
    ['a call of the new version', () => at2().paint(failing.v1, 'red')],
    ['a call of the old version', () => at1().insert(failing.v2)]
  ])('on trial leaves no effect of %s, and the way back is open', async (_, call) => {
    await introduced()
    await object.upgrade(2)
    await expect(call()).rejects.toThrow(code('Upgrading'))
    expect(await answers()).toEqual(everywhere)
    expect(failed).toMatchObject([{ revision: 1, role: 'past' }])
    await object.goBack(1)
    expect(await answers()).toEqual(everywhere)
  })

  it('after the commit costs the old version, and no call of the new one', async () => {
    await introduced()
    await object.upgrade(2)
    await object.commit()
    await at2().paint(failing.v1, 'red')
    expect(await answers()).toMatchObject({ v1: 'Retired', v2: [1, 2, 3, failing.v1] })
  })
})

describe('building the state of a twin', () => {
  const slow = { buildSliceMs: 0, buildLastRoundMax: 1 }

  it('goes on while calls change what was mapped already and what was not', async () => {
    await create([v1, v2(), v3], slow)
    for (let x = 0; x < 300; x++) await at1().insert(x)
    await object.beginToIntroduce(2)
    await expect(at2().all()).rejects.toThrow(code('NotYet'))
    for (let x = 0; x < 300; x += 2) await at1().delete(x)
    for (let x = 300; x < 320; x++) await at1().insert(x)
    expect(object.host.stats().building).toEqual([2])
    await object.host.built()
    const left = await at1().all()
    expect(await answers()).toMatchObject({ v2: left, blue: left, red: [] })
    expect(built.at(-1)).toMatchObject({ revision: 2 })
    expect(object.host.stats().building).toEqual([])
  })

  it('holds up no drain, also where a slice waits behind a command that does not end', async () => {
    await create([v1, v2()], slow)
    for (let x = 0; x < 200; x++) await at1().insert(x)
    await object.beginToIntroduce(2)
    const hanging = object.call(1, 'hang', []).catch((error: unknown) => error)
    expect(object.host.stats().building).toEqual([2])
    expect(await object.host.drain(50)).toEqual({ cut: 1 })
    expect(await hanging).toMatchObject({ code: 'Upgrading' })
  })

  it('begins anew after a crash in its middle, and leaves nothing of the first try', async () => {
    await create([v1, v2()], slow)
    for (let x = 0; x < 200; x++) await at1().insert(x)
    await object.beginToIntroduce(2)
    await at1().insert(500)
    expect(object.host.stats().building).toEqual([2])
    await object.crash()
    expect(await at2().all()).toEqual(await at1().all())
    const meta = await object.commit()
    await vi.waitUntil(() => !object.host.stats().cleaning)
    await object.close()
    expect(await spacesIn(await newestState())).toEqual(
      [meta.spaces.object, ...Object.values(meta.spaces.future)].sort()
    )
  })

  it('follows what entries write to whichever entry writes it now', async () => {
    await create([badges, holders], slow)
    const wearing = object.at(1, badgesContract)
    for (let x = 0; x < 100; x++) await wearing.give(`p${x}`, `b${x}`)
    await object.beginToIntroduce(2)
    for (let x = 0; x < 99; x++) await wearing.swap(`p${x}`, `p${x + 1}`)
    await wearing.take('p50')
    expect(object.host.stats().building).toEqual([2])
    await object.host.built()
    expect(failed).toEqual([])
    const expected = (await wearing.all()).map(([person, badge]) => [badge, person])
    expect(await object.call(2, 'all', [])).toEqual(expected.sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1)))
  })

  it.each<[string, Mapping, RegExp]>([
    [
      'two entries write one key',
      async (_, { newState }) => newState.put('same', 1),
      /the entries "1" and "2" write the same key/
    ],
    [
      'the mapping throws',
      ({ key }) => {
        if (key === '2') throw new Error('no two')
      },
      /the mapping of "2" failed: no two/
    ],
    ['the mapping never answers', () => new Promise(() => undefined), /took longer than 100 ms/]
  ])('fails the introduction when %s, and costs no call', async (_, mapping, cause) => {
    await create([v1, v2(mapping)], { simulationMsMax: 100 })
    await at1().insert(1)
    await at1().insert(2)
    await object.introduce(2)
    expect(failed).toMatchObject([{ revision: 2, role: 'future', cause: expect.stringMatching(cause) as unknown }])
    await at1().insert(3)
    expect(await answers()).toMatchObject({ v1: [1, 2, 3], v2: 'NotYet' })
  })

  it('maps an entry again when another one that it has read changes', async () => {
    const withNext: Mapping = async ({ key }, { oldState, newState }) => {
      await newState.put(key, (await oldState.has(String(Number(key) + 1))) ? 'blue' : 'red')
    }
    await create([v1, v2(withNext)], slow)
    for (let x = 0; x < 100; x++) await at1().insert(x)
    await object.beginToIntroduce(2)
    for (let x = 1; x < 100; x += 2) await at1().delete(x)
    await object.host.built()
    for (let x = 0; x < 100; x += 2) expect(await at2().colourOf(x), String(x)).toBe('red')
  })
})

async function newestState(): Promise<string> {
  const numbers = (await readdir(directory)).map(name => Number(name.replace('state-', '')))
  return join(directory, `state-${Math.max(...numbers)}`)
}

async function spacesIn(folder: string): Promise<string[]> {
  const db = new Level<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const keys = await db.keys({ gte: Buffer.from('d!'), lt: Buffer.from('d"') }).all()
  await db.close()
  return [...new Set(keys.map(key => key.toString('latin1').split('!')[1] ?? ''))].sort()
}
