// What the unit tests of the overlay do attack by attack, once on running peers: they go on, count what they refused, and say whom they sent off.

import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { findControlSocket } from '@instar/node/control'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startAttacker, type Attacker } from './fixtures/attacker.js'
import { trustedBy } from './fixtures/forgeries.js'
import { modules } from './fixtures/faulty/modules.js'

let network: LocalNetwork
let victim: LocalPeer
let friend: LocalPeer
const attackers: Attacker[] = []
const sockets: Socket[] = []
let elements = 0

beforeAll(async () => {
  network = await createLocalNetwork({ classes: [modules.intSet] })
  const peers = await network.startPeers(['victim', 'friend'])
  ;[victim, friend] = [peers[0]!, peers[1]!]
  await Promise.all(peers.map(peer => peer.until('sees the other', status => status.peers.length === 1)))
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await Promise.all(attackers.map(attacker => attacker.stop()))
  await network.stop()
})

async function attack(): Promise<Attacker> {
  const trusted = await trustedBy(victim, (await victim.status()).network)
  const attacker = await startAttacker({ network: trusted.network, trusted, address: victim.addresses[0]! })
  attackers.push(attacker)
  return attacker
}

async function metricsOf({ dataDirectory }: LocalPeer): Promise<string> {
  const socketPath = await findControlSocket(dataDirectory)
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/metrics' }, answer => void text(answer).then(resolve, reject))
    asked.on('error', reject).end()
  })
}

/** The victim answers its operator and its neighbour. */
async function expectUnharmed(): Promise<void> {
  const call = { version: 1, timeoutMs: 20_000 }
  await friend.control.call({ ...call, peer: victim.id, method: 'insert', args: [elements++] })
  expect((await victim.control.call({ ...call, method: 'size', args: [] })).result).toBe(elements)
}

it('a flood of invalid gossip is counted, its sender is named and sent off, and calls go on', async () => {
  const attacker = await attack()
  for (let i = 0; i < 10; i++) await attacker.gossip([Buffer.from(`garbage ${i}`)]).catch(() => undefined)
  const status = await victim.until('has sent the flooder off', ({ sentOff }) => sentOff !== undefined)
  expect(status.sentOff).toMatchObject([
    { peer: attacker.id, reason: expect.stringMatching(/^its gossip was wrong/) as string }
  ])
  expect(await metricsOf(victim)).toMatch(/instar_refusals_total\{kind="gossip",reason="\w+"\} [1-9]/)
  await expectUnharmed()
})

it('hundreds of sockets that say nothing keep nobody from calling', async () => {
  const port = Number(/tcp\/(\d+)/.exec(victim.addresses[0]!)?.[1])
  for (let i = 0; i < 400; i++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    sockets.push(socket)
  }
  await expectUnharmed()
})
