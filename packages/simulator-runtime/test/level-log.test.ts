import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { damagedState, openDatabase } from '../src/host/open/database.js'
import { assureWritten, readUnwritten } from '../src/host/open/level-log/unwritten.js'

let folder: string
let state: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-level-log-'))
  state = join(folder, 'state')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Batches of one key each, and every seventh of one that takes several blocks of the log. */
const batchesCount = 30
const valueOf = (i: number): Buffer => Buffer.alloc(i % 7 === 0 ? 40_000 : 100 + i, i + 1)
const keyOf = (i: number): Buffer => Buffer.from(`key-${String(i).padStart(3, '0')}`)

/** The files of a database as a killed process leaves them: everything is in the log. */
async function leaveBehind(): Promise<string> {
  const alive = join(folder, 'alive')
  const db = new Level<Buffer, Buffer>(alive, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await db.open()
  for (let i = 0; i < batchesCount; i++)
    await db.batch([
      { type: 'put', key: keyOf(i), value: valueOf(i) },
      { type: 'del', key: keyOf(i - 5) }
    ])
  await rm(state, { recursive: true, force: true })
  await mkdir(state)
  for (const name of await readdir(alive)) if (name !== 'LOCK') await copyFile(join(alive, name), join(state, name))
  await db.close()
  await rm(alive, { recursive: true })
  return join(state, (await readdir(state)).find(name => name.endsWith('.log')) ?? '')
}

/** Up to which batch everything is there; nothing is missing before it. */
async function held(): Promise<number> {
  const db = await openDatabase(state)
  try {
    const keys = await db.keys().all()
    const last = Number(keys.at(-1)?.toString().slice(4) ?? -1)
    expect(keys.map(String)).toEqual(
      Array.from({ length: Math.min(5, last + 1) }, (_, i) => keyOf(last - Math.min(5, last + 1) + 1 + i).toString())
    )
    for (const key of keys) expect(db.getSync(key)).toEqual(valueOf(Number(key.toString().slice(4))))
    return last + 1
  } finally {
    await db.close()
  }
}

describe('the log of a state', () => {
  it('is taken over whole', async () => {
    await leaveBehind()
    expect(await held()).toBe(batchesCount)
    expect(await held(), 'and again').toBe(batchesCount)
  })

  it('with one byte that has changed is noticed, wherever it is, and left as it is', async () => {
    const log = await leaveBehind()
    const bytes = await readFile(log)
    // The first header, the last byte, and places in between.
    const places = [
      0,
      4,
      5,
      6,
      7,
      bytes.length - 1,
      ...Array.from({ length: 8 }, (_, i) => Math.floor((i * bytes.length) / 8) + i)
    ]
    for (const at of places) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at)
      await writeFile(log, changed)
      await expect(openDatabase(state), `byte ${at}`).rejects.toMatchObject({ code: 'StateDamaged' })
      expect(await readFile(log)).toEqual(changed)
    }
    await writeFile(log, bytes)
    expect(await held()).toBe(batchesCount)
  })

  it('that a crash has cut off anywhere ends with the last whole batch', async () => {
    const log = await leaveBehind()
    const bytes = await readFile(log)
    const batches = await readUnwritten(state, damagedState)
    for (const length of [0, 3, 200, 32_768, 60_000, bytes.length - 1]) {
      await leaveBehind()
      await truncate(log, length)
      const left = await held()
      expect(left).toBeLessThan(batches.length)
      expect(left > 0).toBe(length >= 60_000)
    }
  })

  it('whose end has not arrived at the disk ends before that; one with zeros in its middle is damaged', async () => {
    const log = await leaveBehind()
    const bytes = await readFile(log)
    for (const from of [512, 60_416, bytes.length - (bytes.length % 512)]) {
      await leaveBehind()
      await writeFile(log, Buffer.from(bytes).fill(0, from, Math.min(from + 512, bytes.length)))
      if (from + 512 < bytes.length) await expect(openDatabase(state)).rejects.toMatchObject({ code: 'StateDamaged' })
      await writeFile(log, Buffer.from(bytes).fill(0, from))
      expect(await held()).toBeLessThan(batchesCount)
    }
  })

  it('that LevelDB has left out is written again', async () => {
    const log = await leaveBehind()
    const batches = await readUnwritten(state, damagedState)
    // What an error while it reads comes to: it goes on without the rest, and deletes the log.
    await truncate(log, 60_000)
    const db = new Level<Buffer, Buffer>(state, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await db.open()
    expect(await assureWritten(db, state, batches, damagedState)).toBe(true)
    await db.close()
    expect(await held()).toBe(batchesCount)
  })

  it('that another process has gone on with is left alone', async () => {
    await leaveBehind()
    const batches = (await readUnwritten(state, damagedState)).slice(0, 20)
    const db = new Level<Buffer, Buffer>(state, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await db.open()
    expect(await assureWritten(db, state, batches, damagedState)).toBe(false)
    await db.close()
    expect(await held()).toBe(batchesCount)
  })
})
