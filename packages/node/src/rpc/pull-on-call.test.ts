import type { Routes } from '@instar/core'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { makeNetwork } from '../../test/authors.js'
import { startPeer, stopPeers, until, type TestPeer } from '../../test/peers.js'
import { createRpc, type Rpc } from './rpc.js'

const pulls: { readonly at: string; readonly from: string; readonly done: Promise<void> }[] = []
const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(ended.splice(0).map(end => end()))
  await stopPeers()
})

/** Serves each version that it trusts, and answers a call with the version. */
async function startRpc(peer: TestPeer, network: string): Promise<Rpc> {
  const log = pino({ level: 'silent' })
  const routes = (): Routes => {
    const { version: newest } = peer.trust.newest()
    const known = peer.trust.state().named.run
    return {
      entries: known.map(({ version, chainId }) => ({
        version,
        chainId: chainId.slice(0, 16),
        className: 'IntSet',
        state: 'served',
        revision: version
      })),
      served: [1, newest],
      newest
    }
  }
  const rpc = createRpc({
    overlay: peer.overlay,
    hello: () => ({ format: { min: 1, max: 1 }, network, role: 'peer', versions: [], instar: '0.0.0' }),
    routes,
    host: { call: async ({ revision }) => Uint8Array.of(revision) },
    onHigherVersion: from => pulls.push({ at: peer.id, from, done: peer.sync.pullFrom(from).then(() => undefined) }),
    notYetRetryAfterMs: 20,
    now: () => performance.now(),
    log
  })
  await rpc.start()
  ended.push(() => rpc.stop())
  return rpc
}

test('a peer that is called at a version that it does not know pulls the descriptors from its caller, and answers then', async () => {
  const { network, documents, next } = await makeNetwork()
  const caller = await startPeer({ network, documents })
  const called = await startPeer({ network, bootstrap: [caller.address] })
  await until(() => called.versions().length === 1, 'both know version 1')
  const [rpc] = [await startRpc(caller, network), await startRpc(called, network)]
  // Nothing but the call speaks of a new version: no gossip of heads, no announcement.
  caller.heads.stop()
  called.heads.stop()
  // The look that every peer takes once after its start may bring one version, so that the next one is the one to call at.
  do for (const document of await next()) await caller.trust.submit(document, 'the operator')
  while (called.trust.newest().version === caller.trust.newest().version)
  const { version } = caller.trust.newest()
  const answer = rpc.call({
    peer: called.id,
    className: 'IntSet',
    version,
    method: 'contains',
    args: new Uint8Array(),
    remainingMs: 20_000,
    hops: 0,
    trail: '',
    signal: AbortSignal.timeout(20_000)
  })
  await until(() => pulls.length > 0, 'the called peer pulls')
  expect(pulls).toMatchObject([{ at: called.id, from: caller.id }])
  await pulls[0]!.done
  expect(called.trust.newest().version).toBe(version)
  expect([...(await answer)]).toEqual([version])
  expect(rpc.counters.byCode).toMatchObject({ NotYet: expect.any(Number) as unknown })
}, 30_000)
