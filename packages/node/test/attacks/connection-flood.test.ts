import { connect, type Socket } from 'node:net'
import { connectionParts } from '@instar/rpc'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, test, vi } from 'vitest'
import { refusalsOf } from '../attackers.js'
import { makeNetwork } from '../authors.js'
import { contentAt, startPeer, stopPeers, until, type TestPeer } from '../peers.js'

const stops: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map(stop => stop()))
  await stopPeers()
})

/** So many programs connect; answers how many still are. */
async function floodWith(victim: TestPeer, count: number, identity?: PrivateKey): Promise<() => number> {
  const nodes = await Promise.all(
    Array.from({ length: count }, async () => {
      const node = await createLibp2p({
        ...(identity && { privateKey: identity }),
        ...connectionParts(),
        connectionMonitor: { enabled: false }
      })
      stops.push(() => node.stop())
      return node
    })
  )
  await Promise.allSettled(nodes.map(node => node.dial(multiaddr(victim.address))))
  return () => nodes.filter(node => node.getConnections().length > 0).length
}

/** What a peer and its neighbour have of each other goes on: exchanges, announcements, and news of a version. */
async function expectUnharmed(victim: TestPeer, friend: TestPeer, next: () => Promise<readonly Uint8Array[]>) {
  expect(victim.overlay.neighbours()).toContain(friend.id)
  await friend.sync.pullFrom(victim.id)
  victim.announcements.announce(contentAt(1, { groups: ['flooded'] }))
  const before = friend.trust.newest().version
  for (const document of await next()) await victim.trust.submit(document, 'the operator')
  await until(() => friend.trust.newest().version === before + 1, 'the friend learns a version')
  await until(() => friend.statements.get(victim.id)?.groups[0] === 'flooded', 'the friend hears a statement')
}

test('a connection flood by many peers fills the places and takes none of them from a neighbour', async () => {
  const { network, documents, next } = await makeNetwork()
  const victim = await startPeer({ network, documents, connections: { openMax: 12 } })
  const friend = await startPeer({ network, bootstrap: [victim.address] })
  await until(() => victim.overlay.neighbours().has(friend.id), 'they are neighbours')
  const held = await floodWith(victim, 30)
  await vi.waitFor(() => expect(victim.overlay.connected().size).toBeLessThanOrEqual(12))
  await vi.waitFor(() => expect(held()).toBeLessThanOrEqual(11))
  expect(refusalsOf(victim, 'connection')['TooManyConnections']).toBeGreaterThanOrEqual(19)
  await expectUnharmed(victim, friend, next)
  // What this peer wants to reach itself, it reaches.
  const wanted = await startPeer({ network })
  await victim.overlay.connect(wanted.address)
  await until(() => victim.overlay.neighbours().has(wanted.id), 'it has the neighbour that it dialled')
})

test('a connection flood by one peer leaves it a few, and costs nobody else', async () => {
  const { network, documents, next } = await makeNetwork()
  const victim = await startPeer({ network, documents })
  const friend = await startPeer({ network, bootstrap: [victim.address] })
  await until(() => victim.overlay.neighbours().has(friend.id), 'they are neighbours')
  const held = await floodWith(victim, 20, await generateKeyPair('Ed25519'))
  await vi.waitFor(() => expect(held()).toBeLessThanOrEqual(4))
  expect(refusalsOf(victim, 'connection')['TooManyOfOnePeer']).toBeGreaterThanOrEqual(16)
  await expectUnharmed(victim, friend, next)
})

test.runIf(process.platform === 'linux')('sockets that never shake hands keep out nobody of another host', async () => {
  const { network, documents } = await makeNetwork()
  const victim = await startPeer({ network, documents, sameHost: false })
  const port = Number(/tcp\/(\d+)/.exec(victim.address)?.[1])
  let refused = 0
  const sockets: Socket[] = []
  for (let i = 0; i < 90; i++) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' })
    socket.on('error', () => undefined)
    socket.on('close', () => refused++)
    sockets.push(socket)
  }
  stops.push(() => sockets.forEach(socket => socket.destroy()))
  await until(() => refused === 90 - 16, 'all but a few of the sockets are refused')
  expect(refusalsOf(victim, 'connection')).toEqual({ TooManyHandshakes: 90 - 16 })
  const friend = await startPeer({ network, bootstrap: [victim.address] })
  await until(() => friend.versions().length === 1, 'somebody else connects and learns')
})
