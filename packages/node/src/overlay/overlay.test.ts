import { afterEach, expect, test } from 'vitest'
import { contentAt, startPeer, stopPeers, until, type TestPeer } from '../../test/peers.js'

const network = 'ab'.repeat(32)
afterEach(stopPeers)

test('says which address is taken when its port is in use', async () => {
  const first = await startPeer({ network })
  const listen = first.address.replace(/\/p2p\/.*/, '')
  await expect(startPeer({ network, listen })).rejects.toMatchObject({ code: 'PortInUse', detail: { address: listen } })
})

test('finds all peers through one, and stays a network when that one is gone', async () => {
  const first = await startPeer({ network })
  const others: TestPeer[] = []
  for (let i = 0; i < 4; i++) others.push(await startPeer({ network, bootstrap: [first.address] }))
  const all = [first, ...others]
  await until(() => all.every(each => each.overlay.neighbours().size === 4), 'everyone meets everyone')
  await first.stop()
  await until(() => others.every(each => each.overlay.neighbours().size === 3), 'the bootstrap peer has left')
  const late = await startPeer({ network, bootstrap: [others[0]!.address] })
  await until(() => late.overlay.neighbours().size === 4, 'a late one meets everyone')
})

test('remembers peers across a restart and needs no bootstrap peer then', async () => {
  const first = await startPeer({ network })
  const second = await startPeer({ network, bootstrap: [first.address] })
  await until(() => second.overlay.neighbours().size === 1, 'they meet')
  await second.stop()
  const again = await startPeer({ network, root: second.directory.paths.root })
  await until(() => again.overlay.neighbours().has(first.id), 'they meet again')
})

test('leaves peers of another network', async () => {
  const first = await startPeer({ network })
  const stranger = await startPeer({ network: 'cd'.repeat(32), bootstrap: [first.address] })
  await stranger.overlay.connect(first.address).catch(() => undefined)
  await until(() => first.overlay.connected().size === 0, 'the stranger is left')
  expect(stranger.overlay.neighbours().size).toBe(0)
})

test('carries every statement between 20 peers on one host, and every subscription', async () => {
  const first = await startPeer({ network })
  const rest = await Promise.all(Array.from({ length: 19 }, () => startPeer({ network, bootstrap: [first.address] })))
  const all = [first, ...rest]
  await until(() => all.every(each => each.overlay.neighbours().size >= 8), 'everyone has neighbours', 20_000)
  for (const each of all) each.announcements.announce(contentAt(1))
  await until(() => all.every(each => each.statements.size === 19), 'everyone hears everyone', 20_000)
  for (const each of all) each.announcements.announce(contentAt(2))
  await until(
    () => all.every(each => [...each.statements.values()].every(statement => statement.running.version === 2)),
    'everyone hears the change',
    20_000
  )
  // 15 peers behind one IP is where co-location would silence them.
  const unheard = () => all.filter(each => each.announcements.followers().length !== each.overlay.neighbours().size)
  await until(() => unheard().length === 0, 'every neighbour follows the topic')
}, 60_000)
