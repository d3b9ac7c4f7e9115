import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256Hex } from '@instar/core'
import { Level } from 'level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore } from './store.js'

let path: string
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'instar-store-'))
})
afterEach(() => rm(path, { recursive: true, force: true }))

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const document = (text: string) => ({ hash: sha256Hex(text), role: 'targets', version: 3, bytes: bytes(text) })
const trusted = (...texts: string[]) => ({ documents: texts.map(document), version: 2, chainId: 'id' })

test('keeps the trusted set in order and forgets what left it', async () => {
  const store = await openStore(path)
  expect(await store.readTrust()).toBeUndefined()
  expect(await store.writeTrust(trusted('root', 'targets 1'))).toBe(1)
  expect(await store.writeTrust(trusted('root', 'targets 2', 'snapshot'))).toBe(2)
  await store.close()
  const again = await openStore(path)
  expect(await again.readTrust()).toEqual({ ...trusted('root', 'targets 2', 'snapshot'), set: 2 })
  await again.close()
  const db = new Level<string, Uint8Array>(path, { valueEncoding: 'view' })
  const keys = await db.sublevel('trust').keys().all()
  expect(keys).toHaveLength(4)
  await db.close()
})

test('keeps announcements, peers and values', async () => {
  const store = await openStore(path)
  const announcement = { peer: 'p', envelope: bytes('e'), version: 1, chainId: 'c', receivedAtMs: 5 }
  await store.writeAnnouncement(announcement)
  await store.writeAnnouncement({ ...announcement, receivedAtMs: 6 })
  const known = [{ peer: 'p', addresses: ['/ip4/127.0.0.1/tcp/1'], lastSeenMs: 3 }]
  await store.writeKnownPeers(known)
  await store.writeValue('k', bytes('v'))
  await store.close()
  const again = await openStore(path)
  expect(await again.readAnnouncements()).toEqual([{ ...announcement, receivedAtMs: 6 }])
  expect(await again.readKnownPeers()).toEqual(known)
  expect(await again.readValue('k')).toEqual(bytes('v'))
  await again.dropAnnouncement('p')
  expect(await again.readAnnouncements()).toEqual([])
  await again.close()
})

test('names a record that was damaged or moved, and goes on without an announcement that was', async () => {
  const hash = sha256Hex('targets')
  const store = await openStore(path)
  await store.writeTrust(trusted('targets'))
  await store.writeAnnouncement({ peer: 'p', envelope: bytes('e'), version: 1, chainId: 'c', receivedAtMs: 5 })
  await store.writeValue('a', bytes('1'))
  await store.close()

  const db = new Level<string, Uint8Array>(path, { valueEncoding: 'view' })
  const table = (name: string) => db.sublevel<string, Uint8Array>(name, { valueEncoding: 'view' })
  const flip = async (name: string, key: string) => {
    const value = Uint8Array.from((await table(name).get(key))!)
    value[value.length - 1]! ^= 1
    await table(name).put(key, value)
  }
  await flip('trust', hash)
  await flip('announcements', 'p')
  await table('values').put('b', (await table('values').get('a'))!)
  await db.close()

  const again = await openStore(path)
  await expect(again.readTrust()).rejects.toMatchObject({
    code: 'DataDirectoryDamaged',
    detail: { record: `${hash} in trust` }
  })
  expect(await again.readAnnouncements()).toEqual([])
  await expect(again.readValue('b')).rejects.toMatchObject({ code: 'DataDirectoryDamaged' })
  await again.close()
})

test('notices a trust document that is gone', async () => {
  const store = await openStore(path)
  await store.writeTrust(trusted('a', 'b'))
  await store.close()
  const db = new Level<string, Uint8Array>(path, { valueEncoding: 'view' })
  await db.sublevel('trust').del(sha256Hex('b'))
  await db.close()
  const again = await openStore(path)
  await expect(again.readTrust()).rejects.toMatchObject({ code: 'DataDirectoryDamaged' })
  await again.close()
})
