// Only admitted peers count (R21), in real processes and by the command line, as an operator does it.
import { join } from 'node:path'
import { intSet } from '@instar/examples'
import {
  createLocalNetwork,
  createLocalPeer,
  runInstar,
  type LocalNetwork,
  type LocalPeer
} from '@instar/local-network'
import { afterEach, expect, test } from 'vitest'
import { intSetModule } from './fixtures/modules.js'

let network: LocalNetwork
const invited: LocalPeer[] = []
afterEach(async () => {
  await Promise.all(invited.splice(0).map(peer => peer.stop()))
  await network.stop()
})

/** A command of the operator of the first peer, who holds the admission key. */
async function instar(first: LocalPeer, ...words: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const args = [...words, '--keys', network.keysDirectory, '--data', first.dataDirectory, '--json']
  const { code, out, err } = await runInstar(args)
  expect([code, err.includes('instar: ')], `${words.join(' ')}: ${err}${out}`).toEqual([0, false])
  return out
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

/** What was signed is kept in a file; nothing is asked, and nobody waited for. */
const signed = (file: string) => ['--yes', '--wait', '0s', '--out', join(network.directory, file)]

const countsAt = (first: LocalPeer, peer: LocalPeer, counts: boolean) =>
  first.until(`${peer.name} ${counts ? 'counts' : 'does not count'}`, ({ peers }) =>
    peers.some(each => each.peer === peer.id && each.admitted === counts)
  )

test('strangers call and change nothing, admitted peers count until they are revoked, and an invitation admits by join', async () => {
  network = await createLocalNetwork({ classes: [intSetModule(1)] })
  const [first] = (await network.startPeers(['first'])) as [LocalPeer]
  const { class: className } = await first.status()
  await instar(first, 'network', 'policy', 'certificate', ...signed('policy.json'))
  const closed = await first.until('the door is closed', ({ admission }) => admission.policy === 'certificate')
  expect(closed.admission).toMatchObject({ admitted: false, reason: 'it shows no certificate' })
  await instar(first, 'admit', first.id, '--class', className)
  await first.until('it counts itself', ({ admission }) => admission.admitted)

  // A stranger joins, syncs, serves and is called; it is shown, and does not count.
  const [stranger] = (await network.startPeers(['stranger'])) as [LocalPeer]
  await countsAt(first, stranger, false)
  const client = await network.client()
  const set = client.object(intSet, stranger.id, { version: 1, deadlineMs: 30_000 })
  await set.insert(1)
  expect(await set.contains(1)).toBe(true)
  expect((await stranger.status()).problems.join()).toContain(`instar admit ${stranger.id} --class ${className}`)

  const admitted = await instar(first, 'admit', stranger.id, '--class', className, '--expires', '30d')
  expect(admitted.at(-1)).toMatchObject({ outcome: 'handedOver' })
  await countsAt(first, stranger, true)

  // Its ticket admits whoever has it.
  const [{ ticket } = {}] = await instar(first, 'ticket', '--invite', '--class', className, '--expires', '1d')
  const guest = createLocalPeer('guest', join(network.directory, 'guest'), async () => ['join', String(ticket)])
  invited.push(guest)
  await guest.start()
  await countsAt(first, guest, true)

  await instar(first, 'revoke', stranger.id, ...signed('revocation.json'))
  await countsAt(first, stranger, false)

  // An admitted peer that is gone and does not serve version 2 would hold it back for ten minutes (§1).
  await stranger.kill()
  await network.upgrade(first, { modules: [intSetModule(2)], stable: '0s' })
  for (const peer of [first, guest])
    await peer.until('runs version 2', ({ running, floor }) => running.version === 2 && floor === 2)
})
