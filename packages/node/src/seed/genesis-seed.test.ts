import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleId, encodeManifest, sha256Hex } from '@instar/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readGenesisSeed, writeGenesisSeed, type GenesisSeed } from './genesis-seed.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-seed-'))
})
afterEach(async () => rm(directory, { recursive: true }))

const file = Buffer.from('export default 1')
const sha256 = sha256Hex(file)
const manifest = {
  format: 1 as const,
  files: [{ path: 'lib/a.mjs', bytes: file.byteLength, sha256, chunks: [sha256] }]
}
const seed: GenesisSeed = {
  network: 'a'.repeat(64),
  name: 'first',
  documents: ['root', 'targets', 'snapshot', 'timestamp'].map(text => Buffer.from(text)),
  descriptor: Buffer.from('descriptor'),
  bundles: [
    { id: bundleId(manifest), manifest: Buffer.from(encodeManifest(manifest)), files: new Map([['lib/a.mjs', file]]) }
  ]
}

it('reads what was written', async () => {
  expect(await readGenesisSeed(directory)).toBeUndefined()
  await writeGenesisSeed(directory, seed)
  expect(await readGenesisSeed(directory)).toEqual(seed)
})

it('says where a damaged folder is and what to do', async () => {
  await writeGenesisSeed(directory, seed)
  await writeFile(join(directory, 'genesis', 'genesis.json'), '{"format":1')
  await expect(readGenesisSeed(directory)).rejects.toMatchObject({
    code: 'DataDirectoryDamaged',
    message: expect.stringContaining('network create') as string
  })
})
