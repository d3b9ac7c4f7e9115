// Programs of our own making that speak what peers speak, and say in it what a test wants.

import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import type { Json } from '@instar/core'
import { afterEach } from 'vitest'
import { createNode, type Node } from '../src/overlay/libp2p-node.js'
import { announcementTopicName, headTopicName } from '../src/overlay/topics.js'
import { until, type TestPeer } from './peers.js'

const attackers: Node[] = []
afterEach(() => Promise.all(attackers.splice(0).map(async attacker => attacker.stop())))

/** A node with an identity of its own, connected to the victim. */
export async function startAttacker(network: string, victim: TestPeer): Promise<Node> {
  const attacker = await createNode({
    identity: await generateKeyPair('Ed25519'),
    listen: [],
    topics: [headTopicName(network), announcementTopicName(network)],
    sameHost: true,
    connectionMonitor: false,
    connectionGater: {}
  })
  attackers.push(attacker)
  await attacker.start()
  await attacker.dial(multiaddr(victim.address))
  return attacker
}

/** Follows a topic of the victim, so that what it publishes is sent there. */
export async function follow(attacker: Node, topic: string): Promise<void> {
  const { pubsub } = attacker.services
  pubsub.subscribe(topic)
  const { mesh } = pubsub as unknown as { readonly mesh: ReadonlyMap<string, ReadonlySet<string>> }
  await until(() => (mesh.get(topic)?.size ?? 0) > 0, 'the attacker is in the mesh')
}

/** What gossipsub holds of another peer; below zero it is pushed out of the mesh. */
export function scoreOf(peer: TestPeer, other: string): number {
  const { node } = peer.overlay as unknown as { node: Node }
  return (node.services.pubsub as unknown as { getScore(id: string): number }).getScore(other)
}

export const plain = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json

export const refusalsOf = (peer: TestPeer, kind: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    peer.refusals
      .all()
      .filter(each => each.kind === kind)
      .map(({ reason, count }) => [reason, count])
  )
