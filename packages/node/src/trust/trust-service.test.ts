import { afterEach, expect, test } from 'vitest'
import { encodeDescriptor } from '@instar/core'
import { descriptorOf, makeNetwork } from '../../test/authors.js'
import { haltOf, rotationOf, twinOf } from '../../test/orders.js'
import { startPeer, stopPeers } from '../../test/peers.js'
import { auditTail } from '../audit/check-audit.js'
import { openDataDirectory } from '../store/data-directory.js'

afterEach(stopPeers)

test('reports versions in order, each once, and again after a restart', async () => {
  const { network, documents, next } = await makeNetwork()
  const peer = await startPeer({ network, documents })
  expect(peer.versions()).toEqual([1])
  const second = await next()
  const third = await next()
  // Descriptors 2 and 3 the wrong way round: 3 waits for 2.
  const [descriptor2, descriptor3] = [second.at(-1)!, third.at(-1)!]
  for (const document of third.slice(0, -1)) await peer.trust.submit(document, 'x')
  expect((await peer.trust.submit(descriptor3, 'x')).verdict).toBe('accept')
  expect(peer.versions()).toEqual([1])
  expect(peer.trust.missingDescriptors().map(each => each.version)).toEqual([2])
  expect((await peer.trust.submit(descriptor2, 'x')).verdict).toBe('accept')
  expect(peer.versions()).toEqual([1, 2, 3])
  const newest = peer.trust.newest()
  await peer.stop()
  const again = await startPeer({ network, root: peer.directory.paths.root })
  expect(again.versions()).toEqual([1, 2, 3])
  expect(again.trust.newest()).toEqual(newest)
  expect(again.trust.freshUntilMs()).toBe(peer.trust.freshUntilMs())
})

test('stores before it answers', async () => {
  const { network, documents, next } = await makeNetwork()
  const peer = await startPeer({ network, documents })
  const stored: number[] = []
  peer.trust.onChange(() => void peer.directory.store.readTrust().then(set => stored.push(set!.documents.length)))
  for (const document of await next()) await peer.trust.submit(document, 'x')
  const set = await peer.directory.store.readTrust()
  expect(set).toMatchObject({ version: 2, chainId: peer.trust.newest().chainId })
})

test('begins with documents in any order, and refuses those of another network', async () => {
  const { network, documents } = await makeNetwork()
  const peer = await startPeer({ network, documents: documents.toReversed() })
  expect(peer.versions()).toEqual([1])
  const other = await makeNetwork()
  await expect(startPeer({ network, documents: other.documents })).rejects.toMatchObject({ code: 'WrongNetwork' })
})

test('refuses everything that is unsigned, altered, a stranger’s, skipping, oversized or garbage, and stores none of it', async () => {
  const { network, documents, next } = await makeNetwork()
  const peer = await startPeer({ network, documents })
  const before = await peer.directory.store.readTrust()
  const { chainId } = peer.trust.newest()
  const good = await next()
  const stranger = await makeNetwork()
  const unsigned = (document: Uint8Array) => {
    const parsed = JSON.parse(Buffer.from(document).toString()) as object
    return Buffer.from(JSON.stringify({ ...parsed, signatures: [] }))
  }
  const bad = [
    ...good.slice(0, 3).map(unsigned),
    ...good.slice(0, 3).map(document =>
      Buffer.from(
        Buffer.from(document)
          .toString()
          .replace(/"version":(\d)/, '"version":9$1')
      )
    ),
    ...stranger.documents,
    ...(await stranger.next()),
    encodeDescriptor(descriptorOf(network, 2, chainId)),
    encodeDescriptor({ ...descriptorOf(network, 1, network), title: 'Another version 1' }),
    encodeDescriptor(descriptorOf(network, 3, chainId)),
    encodeDescriptor({ ...descriptorOf(network, 2, chainId), notes: 'x'.repeat(4000) }).subarray(10),
    Buffer.alloc(300 * 1024, 0x7b),
    Buffer.from('garbage'),
    new Uint8Array()
  ]
  for (const document of bad) expect((await peer.trust.submit(document, 'x')).verdict).not.toBe('accept')
  expect(await peer.directory.store.readTrust()).toEqual(before)
  expect(peer.versions()).toEqual([1])
  for (const document of good) expect((await peer.trust.submit(document, 'x')).verdict).toBe('accept')
  expect(peer.versions()).toEqual([1, 2])
})

test('writes down what it trusts and what follows from it, with versions and their chains, before anyone hears of it', async () => {
  const network = await makeNetwork()
  const peer = await startPeer({ network: network.network, documents: network.documents })
  const heard: number[] = []
  peer.trust.onChange(() => heard.push(peer.directory.audit.head().seq))
  for (const document of await network.next()) await peer.trust.submit(document, 'a neighbour')
  await peer.trust.submit(await haltOf(network, 2), 'a neighbour')
  await peer.trust.submit((await twinOf(network)).targets, 'another one')
  await peer.trust.submit((await rotationOf(network, ['timestamp'])).root, 'the operator')
  await peer.trust.submit(Buffer.from('garbage'), 'a stranger')
  const chainId = peer.trust.newest().chainId.slice(0, 16)
  await peer.stop()
  const lines = (await auditTail(peer.directory.paths.root, 100)).map(
    line => JSON.parse(line) as Record<string, unknown>
  )
  const after = lines.slice(lines.findIndex(({ from }) => from === 'a neighbour'))
  expect(after.map(({ event, role, version, chainId: chain, from }) => [event, role ?? version, chain, from])).toEqual([
    ...['targets', 'snapshot', 'timestamp'].map(role => [
      'trusted',
      role,
      expect.any(String) as unknown,
      'a neighbour'
    ]),
    ['trusted', 'descriptor', chainId, 'a neighbour'],
    ['trusted', 'halt', chainId, 'a neighbour'],
    ['halted', 2, chainId, undefined],
    ['trusted', 'targets', chainId, 'another one'],
    ['forked', 2, chainId, undefined],
    ['trusted', 'root', chainId, 'the operator'],
    ['rotated', undefined, undefined, undefined],
    ['refused', undefined, undefined, 'a stranger']
  ])
  // Whoever heard of a document heard of it when its line was there.
  const sets = after.filter(({ event }) => event === 'trusted').map(({ seq }) => seq)
  expect(heard).toHaveLength(sets.length)
  for (const [i, seq] of heard.entries()) expect(seq).toBeGreaterThanOrEqual(sets[i] as number)
})

test('writes down what a crash has left stored and not yet in the audit log', async () => {
  const { network, documents } = await makeNetwork()
  const peer = await startPeer({ network, documents })
  const { root } = peer.directory.paths
  await peer.stop()
  const directory = await openDataDirectory(root)
  const stored = (await directory.store.readTrust())!
  expect(directory.audit.setAtStart).toBe(stored.set)
  const set = await directory.store.writeTrust(stored)
  await directory.close()
  await (await startPeer({ network, root })).stop()
  const last = (await auditTail(root, 1)).map(line => JSON.parse(line) as Record<string, unknown>)
  expect(last).toMatchObject([{ event: 'recovered', set, root: 1, targets: 1, snapshot: 1, timestamp: 1, version: 1 }])
})
