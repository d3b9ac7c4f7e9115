import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixtureModule } from './fixtures/modules.js'
import { relay } from './fixtures/relay.js'

let network: LocalNetwork
let peers: readonly LocalPeer[]
let objects: ReturnType<typeof objectOf>[]
let client: Awaited<ReturnType<LocalNetwork['client']>>

function objectOf(peer: LocalPeer) {
  return client.object(relay, peer.id, { version: 1, deadlineMs: 20_000 })
}

beforeAll(async () => {
  network = await createLocalNetwork({ classes: [fixtureModule('relay')] })
  peers = await network.startPeers(['one', 'two', 'three'])
  client = await network.client()
  objects = peers.map(objectOf)
  for (const [i, object] of objects.entries()) await object.remember(`I am ${i + 1}`)
})
afterAll(() => network.stop())

test('a query may ask the object of another peer, over the network', async () => {
  expect(await objects[0]!.ask(peers[1]!.id)).toBe('I am 2')
})

test('a query may ask along a chain of peers and come back through all of them', async () => {
  const ids = [peers[1]!.id, peers[2]!.id, peers[0]!.id]
  expect(await objects[0]!.askAlong(ids)).toEqual(['I am 1', 'I am 2', 'I am 3', 'I am 1'])
})

test('an object may ask itself by the name of its peer', async () => {
  expect(await objects[2]!.ask(peers[2]!.id)).toBe('I am 3')
})

test('a command that asks another peer is refused, and what it did before is undone (§9)', async () => {
  await expect(objects[0]!.askAndRemember(peers[1]!.id)).rejects.toMatchObject({
    name: 'CallError',
    code: 'OutgoingCallInCommand'
  })
  expect(await objects[0]!.recall()).toBe('I am 1')
})

test('a peer that does not exist is unreachable by the deadline, and the object stays usable', async () => {
  const nobody = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
  const hurried = client.object(relay, peers[0]!.id, { version: 1, deadlineMs: 1_500 })
  await expect(hurried.ask(nobody)).rejects.toMatchObject({ name: 'CallError' })
  expect(await objects[0]!.recall()).toBe('I am 1')
})
