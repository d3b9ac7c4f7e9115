import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { settleConfig } from './options.js'

const network = 'a'.repeat(64)
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-options-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const settled = async (config: object) => {
  await writeFile(join(directory, 'config.json'), JSON.stringify({ network, ...config }))
  return settleConfig({ dataDirectory: directory }, undefined)
}

test('what may be held while a host is switched is the file’s to say, bound by bound', async () => {
  const { queue } = await settled({ queue: { callsMax: 5 } })
  expect(queue).toEqual({ callsMax: 5, bytesMax: 64 * 1024 * 1024, ageMaxMs: 30_000 })
})

test.each([{ queue: { callsMax: -1 } }, { queue: { callsMax: '5' } }, { queue: { calls: 5 } }])(
  'a bound that is none is refused: %j',
  async config => {
    await expect(settled(config)).rejects.toMatchObject({
      code: 'BadConfig',
      message: expect.stringContaining('queue') as string
    })
  }
)
