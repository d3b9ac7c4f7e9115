import { haltsOf, refreshTimestamp } from '@instar/signer'
import { afterEach, expect, test } from 'vitest'
import { makeNetwork } from '../../test/authors.js'
import { haltOf, rotationOf } from '../../test/orders.js'
import { startPeer, stopPeers, until } from '../../test/peers.js'

afterEach(stopPeers)

const year = 365 * 86_400_000

test('a peer that was off for a year learns roots, rotated keys, versions and halts from a neighbour, and is fresh', async () => {
  const network = await makeNetwork()
  const away = await startPeer({ network: network.network, documents: network.documents })
  await away.stop()
  expect(away.trust.freshUntilMs()).toBeGreaterThan(Date.now())

  const nowMs = Date.now() + year
  const later: Uint8Array[] = []
  for (let i = 0; i < 3; i++) later.push(...(await network.next()))
  later.push(await haltOf(network, 4, { expiresMs: Date.now() + 10 * year }))
  // Every key is another one in the end, the root's too, and nothing of what it held is signed by a key that still counts.
  const first = await rotationOf(network, ['root', 'timestamp'])
  const second = await rotationOf(network, ['targets', 'snapshot'], [first.signers.get('root')!])
  later.push(first.root, second.root)
  const { targets } = away.trust.state()
  const newest = JSON.parse(Buffer.from(later[8]!).toString()) as { signed: { version: number; targets: object } }
  expect(newest.signed.version).toBeGreaterThan(targets!.version)
  const body = { ...newest.signed, version: newest.signed.version + 1, expires: '2099-01-01T00:00:00Z' }
  later.push(await network.sign('targets', body as never, [second.signers.get('targets')!]))
  const online = { snapshot: second.signers.get('snapshot')!, timestamp: first.signers.get('timestamp')! }
  const { documents } = await refreshTimestamp(network.state(), online, nowMs)
  later.push(...documents)

  const now = () => nowMs
  const neighbour = await startPeer({ network: network.network, documents: [...network.documents, ...later], now })
  expect(neighbour.trust.freshUntilMs()).toBeGreaterThan(nowMs)
  const back = await startPeer({
    network: network.network,
    root: away.directory.paths.root,
    bootstrap: [neighbour.address],
    now
  })
  expect(back.trust.freshUntilMs()).toBeLessThan(nowMs)
  await until(() => back.trust.freshUntilMs() > nowMs, 'it is fresh')
  await until(() => back.versions().length === 4, 'it knows all versions')
  expect(back.trust.heads()).toEqual(neighbour.trust.heads())
  expect(back.trust.state().roots).toHaveLength(3)
  expect(haltsOf(back.trust.state()).get(4)?.order).toBe('halt')
})
