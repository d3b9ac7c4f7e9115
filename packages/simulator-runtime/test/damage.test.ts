import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { command, defineClass, defineContract, query, type ObjectContext } from '../src/index.js'
import { createTestObject } from '../src/testing/index.js'
import { runsEverything } from '../../../test/fixtures/selection.js'

const contract = defineContract('Log', {
  add: command(z.tuple([z.string()]), z.int()),
  all: query(z.tuple([]), z.array(z.string()))
})

class Log {
  constructor(readonly ctx: ObjectContext) {}
  async add(line: string): Promise<number> {
    const n = (await this.ctx.state.get<string, number>('n')) ?? 0
    await this.ctx.state.put('n', n + 1)
    await this.ctx.state.sublevel<string, string>('lines').put(String(n).padStart(4, '0'), line)
    return n + 1
  }
  all(): Promise<string[]> {
    return this.ctx.state.sublevel<string, string>('lines').values().all()
  }
}

let folder: string
let state: string
let acknowledged: string[]

const start = (directory: string) => createTestObject({ versions: [defineClass(contract, Log)], directory })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-damage-'))
  state = join(folder, 'object', 'state-1')
  acknowledged = []
  const object = await start(join(folder, 'object'))
  for (let i = 0; i < 60; i++) {
    // Some records go over a block of the log.
    const line = `${i} ${'x'.repeat(i % 7 === 0 ? 3000 : 100)}`
    await object.at(1, contract).add(line)
    acknowledged.push(line)
  }
  await object.close()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** What a start on this state shows: everything that was acknowledged, that it is damaged, or something else. */
async function shown(directory: string): Promise<string> {
  try {
    const object = await start(directory)
    try {
      const lines = await object.at(1, contract).all()
      return JSON.stringify(lines) === JSON.stringify(acknowledged) ? 'exact' : `${lines.length} lines`
    } finally {
      await object.close()
    }
  } catch (thrown) {
    return String((thrown as { code?: unknown }).code)
  }
}

async function afterDamage(name: string, damage: (path: string) => Promise<unknown>): Promise<string> {
  const copy = join(folder, 'copy')
  await rm(copy, { recursive: true, force: true })
  await cp(join(folder, 'object'), copy, { recursive: true })
  await damage(join(copy, 'state-1', name))
  return shown(copy)
}

const filesOf = async (pattern: RegExp) => (await readdir(state)).filter(name => pattern.test(name))

it('is noticed when one byte of its log or manifest is flipped, and never taken for an earlier state', async () => {
  const names = await filesOf(/^(\d+\.log|MANIFEST-\d+|CURRENT)$/)
  expect(names).toHaveLength(3)
  for (const name of names) {
    const bytes = await readFile(join(state, name))
    const count = Math.min(bytes.length, runsEverything ? 500 : 12)
    // The last record too, its head and its length: a damaged one is not one that was cut off.
    const places = Array.from({ length: count }, (_, i) => Math.floor((i * (bytes.length - 1)) / (count - 1)))
    for (const at of new Set([...places, 4, 5, 6])) {
      const outcome = await afterDamage(name, async path => {
        const flipped = Buffer.from(bytes)
        flipped[at]! ^= 0x10
        await writeFile(path, flipped)
      })
      expect(['StateDamaged', 'exact'], `${name}, byte ${at}`).toContain(outcome)
      if (name.endsWith('.log')) expect(outcome, `${name}, byte ${at}`).toBe('StateDamaged')
    }
  }
})
