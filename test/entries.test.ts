import { fileURLToPath } from 'node:url'
import { fileAccess, filePermissions } from '@instar/examples'
import { createLocalNetwork, type LocalNetwork } from '@instar/local-network'
import { afterEach, expect, test } from 'vitest'

let network: LocalNetwork
afterEach(() => network.stop())

const filesModule = (version: 1 | 2): string =>
  fileURLToPath(new URL(`../packages/examples/src/file-access/v${version}.ts`, import.meta.url))
const mode = { owner: { read: true, write: true }, world: { read: false, write: false } }
const bobReads = { bob: { read: true, write: false } }

test('a transform by entries runs while calls of both versions go on, and not in the pause', async () => {
  network = await createLocalNetwork({ classes: [filesModule(1)] })
  const [peer] = await network.startPeers(['peer'])
  const client = await network.client()
  const at1 = client.object(filePermissions, peer!.id, { version: 1, deadlineMs: 60_000 })
  const at2 = client.object(fileAccess, peer!.id, { version: 2, deadlineMs: 60_000 })
  for (let i = 0; i < 200; i++) await at1.create(`file-${i}`, 'ann')
  await network.upgrade(peer!, { modules: [filesModule(2)], schedule: 'manual', stable: '0s', retireAfter: '1h' })
  await peer!.until('serves version 2', ({ served }) => served?.[1] === 2)

  const phases: string[] = []
  const following = follow()
  let calls = 0
  const errors: unknown[] = []
  const stop = new AbortController()
  const caller = (async () => {
    for (let i = 0; !stop.signal.aborted; i++) {
      const file = `file-${i % 200}`
      await Promise.all([
        i % 2 === 0 ? at1.chmod(file, mode) : at2.setAcl(file, bobReads),
        at1.create(`late-${i}`, 'ann')
      ]).catch((error: unknown) => errors.push(error))
      calls++
    }
  })()
  await peer!.control.approve(2)
  await following
  const afterwards = calls
  while (calls < afterwards + 5 && errors.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  stop.abort()
  await caller

  expect(errors).toEqual([])
  expect(phases).toContain('draining')
  expect(phases).not.toContain('transforming')
  for (let i = 0; i < calls; i += 10) expect(await at2.mayRead(`late-${i}`, 'ann')).toBe(true)
  expect(await at2.mayRead('file-1', 'bob')).toBe(true)
  expect((await peer!.status()).running.version).toBe(2)

  async function follow(): Promise<void> {
    for await (const event of peer!.control.events()) {
      if (event.type !== 'phase' || event.version !== 2) continue
      phases.push(event.phase)
      if (event.phase === 'committed') return
    }
  }
})
