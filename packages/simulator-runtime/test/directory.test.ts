import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  Failed,
  query,
  type DirectoryContext,
  type ObjectContext,
  type ObjectOf,
  type SimulationContext,
  type Transform
} from '../src/index.js'
import { createTestObject, type TestObject, type TestObjectInit } from '../src/testing/index.js'

let directory: string
let object: TestObject
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-directory-'))
  pause = Promise.withResolvers()
  reached = Promise.withResolvers()
})
afterEach(async () => {
  pause.resolve()
  await object.close()
  await rm(directory, { recursive: true })
})

const start = async (versions: TestObjectInit['versions'], more: Partial<TestObjectInit> = {}) =>
  (object = await createTestObject({ versions, directory, ...more }))

/** What hangs tells where it is, and goes on when it is let. */
let reached: PromiseWithResolvers<void>
let pause: PromiseWithResolvers<void>

const notes = defineContract('Notes', {
  add: command(z.tuple([z.string()]), z.int()),
  addSlowly: command(z.tuple([z.string()]), z.boolean()),
  addAndFail: command(z.tuple([z.string(), z.enum(['failed', 'mistake', 'full'])]), z.void()),
  all: query(z.tuple([]), z.array(z.string())),
  wrongState: query(z.tuple([z.enum(['state', 'cache'])]), z.void())
})

class Notes implements ObjectOf<typeof notes> {
  constructor(protected readonly ctx: DirectoryContext) {}
  async add(note: string) {
    await appendFile(this.file, `${note}\n`)
    return (await this.all()).length
  }
  async addSlowly(note: string) {
    await this.add(note)
    reached.resolve()
    await pause.promise
    return this.ctx.signal.aborted
  }
  async addAndFail(note: string, how: 'failed' | 'mistake' | 'full') {
    await this.add(note)
    if (how === 'failed') throw new Failed('no')
    throw Object.assign(new Error('not today'), how === 'full' ? { code: 'ENOSPC' } : {})
  }
  async all() {
    return (await readFile(this.file, 'utf8')).split('\n').slice(0, -1)
  }
  async wrongState(which: 'state' | 'cache') {
    const ctx = this.ctx as unknown as ObjectContext
    if (which === 'state') await ctx.state.get('x')
    else await ctx.cache(this).all()
  }
  protected get file() {
    return join(this.ctx.directory, 'notes.txt')
  }
}
const v1 = defineClass(notes, Notes, {
  state: 'directory',
  initialize: path => writeFile(join(path, 'notes.txt'), '')
})

/** One file for each note. */
const cards = defineContract('Cards', {
  add: command(z.tuple([z.string()]), z.int()),
  all: query(z.tuple([]), z.array(z.string()))
})
class Cards implements ObjectOf<typeof cards> {
  constructor(private readonly ctx: DirectoryContext) {}
  async add(note: string) {
    const count = (await readdir(join(this.ctx.directory, 'cards'))).length
    await writeFile(join(this.ctx.directory, 'cards', `${count + 1}`), note)
    return count + 1
  }
  async all() {
    const names = await readdir(join(this.ctx.directory, 'cards'))
    return Promise.all(names.toSorted().map(name => readFile(join(this.ctx.directory, 'cards', name), 'utf8')))
  }
}
class PastNotes {
  constructor(private readonly ctx: SimulationContext<typeof cards>) {}
  add(note: string) {
    return this.ctx.delegate.add(note)
  }
  all() {
    return this.ctx.delegate.all()
  }
}
class FutureCards {
  constructor(private readonly ctx: SimulationContext<typeof notes>) {}
  add(note: string) {
    return this.ctx.delegate.add(note)
  }
  all() {
    return this.ctx.delegate.all()
  }
}
const refused = { addSlowly: 'gone', addAndFail: 'gone', wrongState: 'gone' }
const toCards: Transform = async ({ oldDirectory, newDirectory }) => {
  await mkdir(join(newDirectory, 'cards'))
  const lines = (await readFile(join(oldDirectory, 'notes.txt'), 'utf8')).split('\n').slice(0, -1)
  for (const [i, line] of lines.entries()) await writeFile(join(newDirectory, 'cards', `${i + 1}`), line)
}
const upgradeBy = (transform: Transform) =>
  defineUpgrade({
    from: notes,
    to: defineClass(cards, Cards, { state: 'directory' }),
    future: FutureCards,
    past: { implementation: PastNotes, disallow: refused },
    transform
  })
const v2 = upgradeBy(toCards)

/** The directories that there are, in the state that the object uses now. */
async function files(): Promise<string[]> {
  const states = (await readdir(directory)).filter(each => each.startsWith('state-'))
  const last = Math.max(...states.map(each => Number(each.slice('state-'.length))))
  return readdir(join(directory, `state-${last}`, 'files'))
}

describe('a class that owns files', () => {
  it('begins with what it initialises, and finds them again after a restart and a crash', async () => {
    await start([v1])
    const o = object.at(1, notes)
    expect(await o.all()).toEqual([])
    expect(await o.add('one')).toBe(1)
    await object.restart()
    expect(await o.add('two')).toBe(2)
    await object.crash()
    expect(await o.all()).toEqual(['one', 'two'])
  })

  it('has no other state, and no answers that are kept by what they read', async () => {
    await start([v1])
    for (const which of ['state', 'cache'] as const)
      await expect(object.at(1, notes).wrongState(which)).rejects.toMatchObject({
        code: 'OutOfContract',
        message: expect.stringContaining('ctx.directory') as string
      })
  })

  it('is not opened when its directory is gone, or a link is in its place', async () => {
    await start([v1])
    const [name] = await files()
    const path = join(directory, 'state-1/files', name!)
    await object.close()
    await rename(path, `${path}-away`)
    const reopened = createTestObject({ versions: [v1], directory })
    await expect(reopened).rejects.toMatchObject({ code: 'StateDamaged' })
    await symlink(`${path}-away`, path)
    await expect(createTestObject({ versions: [v1], directory })).rejects.toMatchObject({ code: 'StateDamaged' })
    await rm(path)
    await rename(`${path}-away`, path)
    await start([v1])
  })
})

describe('an upgrade of a class that owns files', () => {
  it('builds a new directory beside the old one, changes no answer, and leaves one directory', async () => {
    await start([v1, v2])
    await object.introduce(2)
    await object.at(1, notes).add('one')
    await object.at(2, cards).add('two')
    await object.upgrade()
    expect(await object.at(1, notes).all()).toEqual(['one', 'two'])
    expect(await object.at(1, notes).add('three')).toBe(3)
    expect(await object.at(2, cards).all()).toEqual(['one', 'two', 'three'])
    await object.crash()
    expect(await object.at(2, cards).all()).toEqual(['one', 'two', 'three'])
    expect(await files()).toHaveLength(2)
    expect(await object.host.keepStates([])).toEqual([])
    await expect.poll(() => object.host.stats().cleaning).toBe(false)
    expect(await files()).toHaveLength(1)
  })

  it('keeps the old directory where it can go back, and goes back to it', async () => {
    await start([v1, v2], { keepBefore: true })
    await object.at(1, notes).add('one')
    await object.upgrade()
    await object.at(2, cards).add('lost')
    expect(await files()).toHaveLength(2)
    await object.goBack(1)
    expect(await object.at(1, notes).all()).toEqual(['one'])
    expect(await object.at(1, notes).add('two')).toBe(2)
  })

  it.each([
    ['writes into the old file', (old: string) => appendFile(join(old, 'notes.txt'), 'wrong\n')],
    ['adds a file there', (old: string) => writeFile(join(old, 'more.txt'), '')]
  ])('is not made when its transform %s, and the old object goes on (R13)', async (_what, harm) => {
    const wrong = upgradeBy(async states => {
      await harm(states.oldDirectory)
      await toCards(states)
    })
    await start([v1, wrong])
    await object.at(1, notes).add('one')
    await expect(object.upgrade()).rejects.toMatchObject({ code: 'TransformFailed' })
    expect(object.current).toBe(1)
    expect((await object.at(1, notes).all())[0]).toBe('one')
    expect(await object.at(1, notes).add('two')).toBeGreaterThan(1)
  })

  it('begins anew from nothing after a transform that stopped half-way', async () => {
    let attempts = 0
    const twice = upgradeBy(async states => {
      attempts++
      if (attempts === 1) {
        await writeFile(join(states.newDirectory, 'half'), '')
        throw new Error('killed')
      }
      expect(await readdir(states.newDirectory)).toEqual([])
      await toCards(states)
    })
    await start([v1, twice])
    await object.at(1, notes).add('one')
    await expect(object.upgrade()).rejects.toMatchObject({ code: 'TransformFailed' })
    await object.upgrade()
    expect(await object.at(2, cards).all()).toEqual(['one'])
  })

  it('can go from keys and values to files and the other way, with a transform', async () => {
    const kept = defineContract('Kept', { ...cards.methods })
    class Kept implements ObjectOf<typeof kept> {
      constructor(private readonly ctx: ObjectContext) {}
      async add(note: string) {
        const all = await this.all()
        await this.ctx.state.put('all', [...all, note])
        return all.length + 1
      }
      async all() {
        return (await this.ctx.state.get<string, string[]>('all')) ?? []
      }
    }
    const again = defineContract('Cards', { ...cards.methods })
    const toKept = defineUpgrade({
      from: cards,
      to: defineClass(kept, Kept),
      transform: async ({ oldDirectory, newState }) => {
        const names = (await readdir(join(oldDirectory, 'cards'))).toSorted()
        const all = await Promise.all(names.map(name => readFile(join(oldDirectory, 'cards', name), 'utf8')))
        await newState.put('all', all)
      }
    })
    const back = (transform?: Transform) =>
      defineUpgrade({
        from: kept,
        to: defineClass(again, Cards, { state: 'directory' }),
        ...(transform === undefined ? {} : { transform })
      })
    const toFiles = back(async ({ oldState, newDirectory }) => {
      await mkdir(join(newDirectory, 'cards'))
      const all = (await oldState.get<string, string[]>('all')) ?? []
      for (const [i, note] of all.entries()) await writeFile(join(newDirectory, 'cards', `${i + 1}`), note)
    })
    await start([v1, v2, toKept, toFiles])
    await object.at(1, notes).add('one')
    const upTo = async (version: number) => {
      await object.retire(version - 1)
      await object.upgrade(version)
    }
    await object.upgrade(2)
    await upTo(3)
    expect(await object.at(3, kept).add('two')).toBe(2)
    await upTo(4)
    expect(await object.at(4, again).all()).toEqual(['one', 'two'])
  })

  it('fails with a sentence when the transform takes the wrong kind of state, or there is none', async () => {
    const wrong = upgradeBy(async ({ oldState }) => {
      await oldState.get('x')
    })
    await start([v1, wrong])
    await expect(object.upgrade()).rejects.toMatchObject({
      message: expect.stringContaining('the old class has files for its state: use oldDirectory') as string
    })
    await object.close()
    await rm(join(directory, 'state-1'), { recursive: true })
    class Managed extends Notes {
      constructor(ctx: ObjectContext) {
        super(ctx as never)
      }
    }
    await start([v1, defineUpgrade({ from: notes, to: defineClass(notes, Managed) })])
    await expect(object.upgrade()).rejects.toMatchObject({
      code: 'TransformFailed',
      message: expect.stringContaining('needs a transform') as string
    })
    expect(await object.at(1, notes).add('one')).toBe(1)
  })

  it('has no simulation object that would have to be told of calls', async () => {
    class Told extends FutureCards {
      $add() {
        return []
      }
      $addSlowly() {
        return []
      }
      $addAndFail() {
        return []
      }
    }
    const told = defineUpgrade({
      from: notes,
      to: defineClass(cards, Cards, { state: 'directory' }),
      future: { model: 'shadowed', implementation: Told },
      transform: toCards
    })
    await start([v1, told])
    await expect(object.introduce(2)).rejects.toMatchObject({
      code: 'BundleLoadFailed',
      message: expect.stringContaining('only direct ones and interceptors can') as string
    })
  })
})

describe('a command that changes files', () => {
  const session = 'a'.repeat(32)

  it('runs at most once: killed in the middle, its repeat is told that nobody knows what came of it', async () => {
    await start([v1])
    object.call(1, 'addSlowly', ['half'], { session }).catch(() => undefined)
    await reached.promise
    await object.crash()
    await expect(object.call(1, 'addSlowly', ['half'], { session })).rejects.toMatchObject({
      code: 'AnswerTooOld',
      detail: { executed: 'unknown' }
    })
    expect(await object.at(1, notes).all()).toEqual(['half'])
  })

  it('keeps its answer for a repeat', async () => {
    await start([v1])
    expect(await object.call(1, 'add', ['one'], { session })).toBe(1)
    expect(await object.call(1, 'add', ['one'], { session })).toBe(1)
    expect(await object.at(1, notes).all()).toEqual(['one'])
  })

  it('is told when its time is over, and the next one waits for its end', async () => {
    await start([v1])
    await expect(object.call(1, 'addSlowly', ['late'], { remainingMs: 50, session })).rejects.toMatchObject({
      code: 'DeadlineExceeded',
      detail: { executed: 'unknown' }
    })
    const next = object.call(1, 'add', ['next'])
    expect(await object.at(1, notes).all()).toEqual(['late'])
    pause.resolve()
    expect(await next).toBe(2)
  })

  it('leaves what it wrote when it fails: a refusal is its answer, of a mistake nobody knows what came', async () => {
    await start([v1])
    const failing = (how: string) => object.call(1, 'addAndFail', ['x', how])
    await expect(failing('failed')).rejects.toMatchObject({ code: 'Failed' })
    await expect(failing('mistake')).rejects.toMatchObject({ code: 'OutOfContract', detail: { executed: 'unknown' } })
    await expect(failing('full')).rejects.toMatchObject({ code: 'Upgrading', detail: { executed: 'unknown' } })
    expect(await object.at(1, notes).all()).toEqual(['x', 'x', 'x'])
    expect(object.host.stats().faults).toBe(1)
  })
})

describe('an interceptor over files', () => {
  class Meanwhile implements ObjectOf<typeof notes> {
    constructor(private readonly ctx: SimulationContext<typeof notes>) {}
    async add(note: string) {
      if (note === 'before') throw new TypeError('before it called anybody')
      const count = await this.ctx.delegate.add(note)
      await this.ctx.state.put('count', count)
      if (note === 'after') throw new TypeError('after it called its delegate')
      return count
    }
    addSlowly(note: string) {
      return this.ctx.delegate.addSlowly(note)
    }
    addAndFail(note: string, how: 'failed' | 'mistake' | 'full') {
      return this.ctx.delegate.addAndFail(note, how)
    }
    all() {
      return this.ctx.delegate.all()
    }
    wrongState(which: 'state' | 'cache') {
      return this.ctx.delegate.wrongState(which)
    }
  }
  const intercepted = defineUpgrade({
    from: notes,
    to: defineClass(cards, Cards, { state: 'directory' }),
    future: { model: 'interceptor', implementation: FutureCards, instead: Meanwhile },
    transform: toCards
  })

  it('may have managed state of its own', async () => {
    await start([v1, intercepted])
    await object.introduce(2)
    expect(await object.at(1, notes).add('one')).toBe(1)
    expect(await object.at(2, cards).add('two')).toBe(2)
    await object.crash()
    expect(await object.at(1, notes).all()).toEqual(['one', 'two'])
  })

  it('that fails before it has called the object costs no call (P2)', async () => {
    await start([v1, intercepted])
    await object.introduce(2)
    expect(await object.at(1, notes).add('before')).toBe(1)
    expect(await object.at(1, notes).all()).toEqual(['before'])
  })

  it('that fails afterwards is withdrawn, and the call is not made twice', async () => {
    await start([v1, intercepted])
    await object.introduce(2)
    await expect(object.at(1, notes).add('after')).rejects.toMatchObject({ detail: { executed: 'unknown' } })
    expect(await object.at(1, notes).all()).toEqual(['after'])
    await expect(object.at(2, cards).all()).rejects.toMatchObject({ code: 'NotYet' })
    expect(await object.at(1, notes).add('one')).toBe(2)
  })
})

// Checked by the compiler (`npm run check`, types).
it('the types hold a class to the state that it says it has', () => {
  class Managed extends Notes {
    constructor(override readonly ctx: DirectoryContext & ObjectContext) {
      super(ctx)
    }
  }
  // @ts-expect-error -- it is given no `ctx.directory` without `state: 'directory'`
  defineClass(notes, Notes)
  // @ts-expect-error -- and no `ctx.state` with it
  defineClass(notes, Managed, { state: 'directory' })
})
