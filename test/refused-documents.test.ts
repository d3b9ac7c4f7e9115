import type { LocalNetwork, LocalPeer } from '@instar/local-network'
import { createLocalNetwork } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startAttacker } from './fixtures/attacker.js'
import { forge, trustedBy, type Forgeries, type Forgery } from './fixtures/forgeries.js'
import { modules } from './fixtures/faulty/modules.js'

const names = [
  'unsigned',
  'signed by a stranger',
  'signed by a stranger in the author’s name',
  'altered by one bit in its targets',
  'altered by one bit, with nothing beside it',
  'named by nobody',
  'of a version that exists',
  'skipping a version',
  'oversized',
  'garbage',
  'deep garbage'
]

let network: LocalNetwork
let victim: LocalPeer
let third: LocalPeer
let genuine: Forgery
let forgeries: readonly Forgery[]
let authorsOwn: Forgeries['authorsOwn']
/** Elements that version 1 was given, all the time. */
let elements = 0

beforeAll(async () => {
  network = await createLocalNetwork({ classes: [modules.intSet] })
  const peers = await network.startPeers(['victim', 'third'], { env: { INSTAR_LOG: 'debug' } })
  ;[victim, third] = [peers[0]!, peers[1]!]
  await Promise.all(peers.map(peer => peer.until('sees the other', status => status.peers.length === 1)))
  ;({ genuine, forgeries, authorsOwn } = await forge(network, victim))
  await serves()
})
afterAll(() => network.stop())

const forgery = (name: string): Forgery => forgeries.find(each => each.name === name)!
const parts = ({ documents, descriptor }: Forgery) => [...documents, ...(descriptor === undefined ? [] : [descriptor])]

async function serves(): Promise<void> {
  await victim.control.call({ method: 'insert', args: [elements++], version: 1, timeoutMs: 20_000 })
  const size = await victim.control.call({ method: 'size', args: [], version: 1, timeoutMs: 20_000 })
  expect(size.result).toBe(elements)
}

/** Nothing of it is stored, nothing of it moves a version, and nobody else has heard of it. */
async function expectUntouched(before: readonly string[], forged: readonly Uint8Array[]): Promise<void> {
  for (const peer of [victim, third]) {
    const held = await documentsOf(peer)
    expect(held).toEqual(before)
    for (const document of forged) expect(held).not.toContain(Buffer.from(document).toString('hex'))
    expect(await peer.status()).toMatchObject({
      newest: 1,
      running: { version: 1 },
      trust: { forks: [] },
      problems: []
    })
  }
}

async function documentsOf(peer: LocalPeer): Promise<readonly string[]> {
  const { documents, descriptors } = await peer.control.trustDocuments()
  return [...documents, ...descriptors].map(each => Buffer.from(each).toString('hex'))
}

/** New lines of the victim's log, once one of them satisfies the condition. */
async function logged(since: number, pattern: RegExp): Promise<string> {
  for (const until = Date.now() + 30_000; Date.now() < until;) {
    const lines = (await victim.control.log(10_000)).slice(since)
    const found = lines.find(line => pattern.test(line))
    if (found !== undefined) return found
  }
  throw new Error(
    `no line of the log says ${pattern.source}: ${(await victim.control.log(10_000)).slice(since).join('\n')}`
  )
}

describe('a descriptor that is', () => {
  it.each(names)('%s is refused by the control API', async name => {
    const before = await documentsOf(victim)
    const forged = forgery(name)
    const verdicts = await victim.control.submit(forged)
    await serves()
    expect(verdicts.every(({ verdict, code }) => verdict !== 'accept' && code !== undefined)).toBe(true)
    await expectUntouched(before, parts(forged))
  })

  it.each(names)('%s is neither taken from gossip nor relayed', async name => {
    const before = await documentsOf(victim)
    const since = (await victim.control.log(10_000)).length
    const trusted = await trustedBy(victim, (await victim.status()).network)
    const attacker = await startAttacker({ network: trusted.network, trusted, address: victim.addresses[0]! })
    try {
      // What gossip does not carry at all tells nothing about what it takes.
      const forged = parts(forgery(name)).filter(part => part.length < 60_000)
      await attacker.gossip(forged)
      if (forged.every(part => part.length < 15_000)) await logged(since, new RegExp(`${attacker.id}.*"code":"\\w+"`))
      await serves()
      await expectUntouched(before, forged)
    } finally {
      await attacker.stop()
    }
  })

  it.each(names)('%s is not taken from a peer that gives it when asked', async name => {
    const before = await documentsOf(victim)
    const since = (await victim.control.log(10_000)).length
    const trusted = await trustedBy(victim, (await victim.status()).network)
    const documents = parts(forgery(name))
    const attacker = await startAttacker({
      network: trusted.network,
      trusted,
      address: victim.addresses[0]!,
      documents
    })
    try {
      await logged(since, new RegExp(`${attacker.id}.*"code":"\\w+"|"code":"\\w+".*${attacker.id}`))
      expect(attacker.pulls()).toBeGreaterThan(0)
      await serves()
      await expectUntouched(before, documents)
    } finally {
      await attacker.stop()
    }
  })

  it('genuine is taken and relayed: these tests would notice', async () => {
    const verdicts = await victim.control.submit(genuine)
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(verdicts.map(() => 'accept'))
    for (const peer of [victim, third]) await peer.until('trusts version 2', ({ newest }) => newest === 2)
    await serves()
  })

  it('signed by its author, but skips a version, moves nobody', async () => {
    await victim.control.submit(authorsOwn.skipping)
    await serves()
    expect(await victim.status()).toMatchObject({ newest: 2, trust: { forks: [] } })
  })

  it('signed by its author, but changes a version that exists, is evidence against it, and the peer serves on', async () => {
    await victim.control.submit(authorsOwn.redefining)
    await serves()
    for (const peer of [victim, third]) {
      const status = await peer.until('has the evidence', ({ trust }) => trust.forks.includes(1))
      expect(status.problems.join('\n')).toMatch(
        /Version 1 is frozen: two valid descriptors of it are known .*signed by key/
      )
    }
  })
})
