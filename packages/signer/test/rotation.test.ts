import { beforeEach, describe, expect, it } from 'vitest'
import {
  admissionAgain,
  admissionOf,
  authorizedKeys,
  createKeyPair,
  describeProposal,
  documentsOf,
  finishProposals,
  freshUntilMs,
  haltsAgain,
  haltsOf,
  headsOf,
  orderFor,
  propose,
  restoreTrust,
  signProposal,
  targetsAgain,
  trustedUpgrades,
  type OnlineKeys,
  type Proposal,
  type ProposalKind,
  type ProposalOf,
  type Signer,
  type TrustState
} from '../src/index.js'
import {
  dayMs,
  delegationsOf,
  feed,
  later,
  memoryLedger,
  nextDescriptor,
  nowMs,
  orderAt,
  outcome,
  signAdmission,
  signHalt,
  signSnapshot,
  signTargets,
  signTimestamp,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

/** What a thief who drives numbers up signs: the highest number there is, and one that only looks out of reach. */
const stolenNumbers = [Number.MAX_SAFE_INTEGER, 1_000_000_000]

/** Two of three sign for root and targets, one of one for the others. */
let net: TestNetwork
let online: OnlineKeys
beforeEach(async () => {
  net = await testNetwork({ root: 3, targets: 3, halt: 1, admission: 1 })
  online = { snapshot: net.key('snapshot'), timestamp: net.key('timestamp') }
})

async function signAll<P extends Proposal>(proposal: P, signers: readonly Signer[], trusted: TrustState): Promise<P> {
  let signed = proposal
  for (const signer of signers) signed = await signProposal(signed, { trusted, signer, ledger: memoryLedger(), nowMs })
  return signed
}

/** The root in which `out` goes and `fresh` comes, signed by the two root keys that were not stolen. */
async function rotate(
  trusted: TrustState,
  role: 'root' | 'targets' | 'snapshot' | 'timestamp',
  out: Signer,
  fresh: Signer,
  signers = [net.key('root', 1), net.key('root', 2)]
): Promise<ProposalOf<'root'>> {
  const roles = { [role]: { add: [fresh.key], remove: [out.key.keyId] } }
  return signAll(propose('root', { roles, decisions: [] }, { trusted, nowMs }), signers, trusted)
}

async function rotateDelegated(
  trusted: TrustState,
  role: 'halt' | 'admission',
  fresh: Signer
): Promise<ProposalOf<'targets'>> {
  const roles = { [role]: { add: [fresh.key], remove: [net.key(role).key.keyId] } }
  const proposal = propose('targets', { roles }, { trusted, nowMs })
  return signAll(proposal, [net.key('targets', 0), net.key('targets', 1)], trusted)
}

const delegations = () =>
  delegationsOf({ halt: net.keystore.keysFor('halt'), admission: net.keystore.keysFor('admission') })

const publish = async (trusted: TrustState, proposals: readonly Proposal[], keys: OnlineKeys | undefined = online) =>
  finishProposals(proposals, trusted, keys, nowMs + 1000)

/** Everybody who hears of the documents, in whatever order, with or without the stolen one, trusts the same afterwards. */
function expectAgreed(states: readonly TrustState[], documents: readonly Uint8Array[], expected: TrustState): void {
  for (const state of states) {
    const twice = feed(feed(state, documents), documents)
    expect(headsOf(twice)).toEqual(headsOf(expected))
    expect(headsOf(feed(feed(state, [...documents].reverse()), documents))).toEqual(headsOf(expected))
    const stored = documentsOf(twice).map(each => each.bytes)
    expect(headsOf(restoreTrust(net.network, stored))).toEqual(headsOf(expected))
  }
}

describe.each(stolenNumbers)('a stolen key that signed number %d', number => {
  it('of timestamp is recovered by the next root', async () => {
    const stolen = await signTimestamp(number, 1, online.timestamp, 300 * dayMs)
    const driven = feed(net.state, [stolen])
    expect(driven.timestamp?.version).toBe(number)
    const fresh = createKeyPair()
    const rotation = await rotate(driven, 'timestamp', online.timestamp, fresh)
    const { documents, state } = await publish(driven, [rotation], { ...online, timestamp: fresh })
    expect(freshUntilMs(state)).toBe(nowMs + 1000 + 7 * dayMs)
    expect(outcome(state, stolen)).toBe('ignore NeedsNewerTrust')
    expectAgreed([net.state, driven], documents, state)
  })

  it('of snapshot is recovered by the next root', async () => {
    const stolen = await signSnapshot(number, { targets: 1, admission: 1 }, online.snapshot)
    const driven = feed(net.state, [stolen, await signTimestamp(7, number, online.timestamp)])
    expect(driven.snapshot?.version).toBe(number)
    const fresh = createKeyPair()
    const rotation = await rotate(driven, 'snapshot', online.snapshot, fresh)
    const { documents, state } = await publish(driven, [rotation], { ...online, snapshot: fresh })
    expect(state.snapshot?.version).toBe(1)
    expect(freshUntilMs(state)).toBe(nowMs + 1000 + 7 * dayMs)
    expect(outcome(state, stolen)).toBe('ignore NeedsNewerTrust')
    expectAgreed([driven], documents, state)
  })

  it('of targets, with the threshold, is recovered by the next root, and what it added is left out', async () => {
    const thieves = [net.key('targets', 0), net.key('targets', 1)]
    const evil = nextDescriptor(net.state, 'evil')
    const stolen = await signTargets(number, [net.created.descriptor, evil], thieves, later(9 * dayMs), delegations())
    const driven = feed(net.state, [stolen, evil])
    expect(trustedUpgrades(driven)).toHaveLength(2)
    // Both keys go in one root: that of the one author who is left, and two new ones.
    const fresh = [createKeyPair(), createKeyPair()] as const
    const roles = { targets: { add: fresh.map(each => each.key), remove: thieves.map(each => each.key.keyId) } }
    const rotation = await signAll(
      propose('root', { roles, decisions: [] }, { trusted: driven, nowMs }),
      [net.key('root', 0), net.key('root', 1)],
      driven
    )
    const { state: rotated } = await publish(driven, [rotation], undefined)
    expect(rotated.targets).toBeUndefined()
    // A peer that starts again in between has what it had, what waits for the next targets too.
    const stored = restoreTrust(
      net.network,
      documentsOf(rotated).map(each => each.bytes)
    )
    expect(headsOf(stored)).toEqual(headsOf(rotated))
    expect(documentsOf(stored)).toEqual(documentsOf(rotated))
    const again = propose('targets', targetsAgain(rotated, driven, { upTo: 1 }), {
      trusted: rotated,
      before: driven,
      nowMs
    })
    const signed = await signAll(again, [fresh[0], net.key('targets', 2)], rotated)
    const { documents, state } = await publish(driven, [rotation, signed])
    expect(trustedUpgrades(state).map(each => each.version)).toEqual([1])
    expect(authorizedKeys(state, 'halt')).toEqual(authorizedKeys(net.state, 'halt'))
    expect(admissionOf(state)).toEqual(admissionOf(net.state))
    expect(freshUntilMs(state)).toBe(nowMs + 1000 + 7 * dayMs)
    expect(outcome(state, stolen)).toBe('ignore NeedsNewerTrust')
    expectAgreed([net.state, driven], documents, state)
  })

  it('of halt is recovered by the next targets, and the genuine orders are said again', async () => {
    const halts = await signHalt(1, [orderAt(net.state, 1)], [net.key('halt')])
    const genuine = feed(net.state, [halts])
    const stolen = await signHalt(number, [orderAt(net.state, 1, { order: 'resume' })], [net.key('halt')])
    const driven = feed(genuine, [stolen])
    expect(haltsOf(driven).get(1)?.order).toBe('resume')
    const fresh = createKeyPair()
    const rotation = await rotateDelegated(driven, 'halt', fresh)
    expect(describeProposal(rotation, driven).join('\n')).toContain(`ends: halt document ${number}`)
    const { state: rotated } = await publish(driven, [rotation], undefined)
    expect(haltsOf(rotated).size).toBe(0)
    const order = orderFor(rotated, { version: 1, order: 'halt', reason: 'it burns', nowMs })
    const again = propose('halt', { orders: [order] }, { trusted: rotated, before: driven, nowMs })
    const signed = await signAll(again, [fresh], rotated)
    const { documents, state } = await publish(driven, [rotation, signed])
    expect(haltsOf(state).get(1)).toMatchObject({ order: 'halt', reason: 'it burns' })
    expect(outcome(state, stolen)).toBe('ignore NeedsNewerTrust')
    expectAgreed([net.state, genuine, driven], documents, state)
  })

  it('of admission is recovered by the next targets, and what it opened is closed', async () => {
    const stolen = await signAdmission(number, 'open', [net.key('admission')])
    const driven = feed(net.state, [await signAdmission(2, 'certificate', [net.key('admission')]), stolen])
    expect(admissionOf(driven).policy).toBe('open')
    const fresh = createKeyPair()
    const rotation = await rotateDelegated(driven, 'admission', fresh)
    const { state: rotated } = await publish(driven, [rotation], undefined)
    // Meanwhile nobody counts: whoever takes the document away must not open the door.
    expect(admissionOf(rotated).policy).toBe('certificate')
    const again = propose('admission', { policy: 'certificate' }, { trusted: rotated, before: driven, nowMs })
    const { documents, state } = await publish(driven, [rotation, await signAll(again, [fresh], rotated)])
    expect(admissionOf(state).policy).toBe('certificate')
    expect(outcome(state, stolen)).toBe('ignore NeedsNewerTrust')
    expectAgreed([net.state, driven], documents, state)
  })
})

describe('a stolen root key below the threshold', () => {
  it('goes with the next root, which the others sign', async () => {
    const stolen = net.key('root', 0)
    const fresh = createKeyPair()
    const rotation = await rotate(net.state, 'root', stolen, fresh)
    const { state } = await publish(net.state, [rotation])
    expect(authorizedKeys(state, 'root')).toContain(fresh.key.keyId)
    expect(authorizedKeys(state, 'root')).not.toContain(stolen.key.keyId)
    expect(trustedUpgrades(state)).toHaveLength(1)
  })

  it('cannot take part in a root after that, nor make one before it', async () => {
    const stolen = net.key('root', 0)
    const coup = propose(
      'root',
      {
        roles: {
          root: { add: [], remove: [net.key('root', 1).key.keyId, net.key('root', 2).key.keyId], threshold: 1 }
        },
        decisions: []
      },
      { trusted: net.state, nowMs }
    )
    const alone = await signAll(coup, [stolen], net.state)
    await expect(publish(net.state, [alone])).rejects.toMatchObject({ code: 'NotTrusted' })
    const { state } = await publish(net.state, [await rotate(net.state, 'root', stolen, createKeyPair())])
    const next = propose('root', { roles: {}, decisions: [] }, { trusted: state, nowMs })
    await expect(signAll(next, [stolen], state)).rejects.toMatchObject({ code: 'KeyNotAuthorized' })
  })

  it('a new root needs the threshold of the old keys and that of the new ones', async () => {
    const [a, b, c] = [createKeyPair(), createKeyPair(), createKeyPair()]
    const old = [0, 1, 2].map(i => net.key('root', i))
    const roles = { root: { add: [a.key, b.key, c.key], remove: old.map(each => each.key.keyId) } }
    const proposal = propose('root', { roles, decisions: [] }, { trusted: net.state, nowMs })
    const byOld = await signAll(proposal, [old[0]!, old[1]!], net.state)
    await expect(publish(net.state, [byOld])).rejects.toMatchObject({ code: 'NotTrusted' })
    const byNew = await signAll(proposal, [a, b], net.state)
    await expect(publish(net.state, [byNew])).rejects.toMatchObject({ code: 'NotTrusted' })
    const { state } = await publish(net.state, [await signAll(byOld, [a, c], net.state)])
    expect(state.roots.at(-1)?.version).toBe(2)
    expect(describeProposal(byOld, net.state).slice(-2)).toEqual([
      expect.stringMatching(/^signed by 2 of 2 root keys of root 1 /),
      expect.stringMatching(/^signed by 0 of 2 root keys of root 2/)
    ])
  })
})

describe('one stolen key of an author, below the threshold', () => {
  it('takes targets with it that too few others signed; the same versions are named again in one go', async () => {
    const { documents } = await publishVersion('colours')
    const before = feed(net.state, documents)
    expect(trustedUpgrades(before)).toHaveLength(2)
    const [stolen, fresh] = [net.key('targets', 0), createKeyPair()]
    const rotation = await rotate(before, 'targets', stolen, fresh)
    const { state: rotated } = await publish(before, [rotation], undefined)
    const again = propose('targets', targetsAgain(rotated, before), { trusted: rotated, before, nowMs })
    // Counting goes on, because the author who stays has promised a body for each number up to here.
    expect(again.body['version']).toBe(before.targets!.version + 1)
    const signed = await signAll(again, [net.key('targets', 1), fresh], rotated)
    const all = await publish(before, [rotation, signed])
    expect(trustedUpgrades(all.state).map(each => each.descriptorHash)).toEqual(
      trustedUpgrades(before).map(each => each.descriptorHash)
    )
    expectAgreed([net.state, before], [...all.documents, nextDescriptor(net.state, 'colours')], all.state)
  })

  it('where the rotation was published first, the versions are found among the descriptors that are held', async () => {
    const { documents } = await publishVersion('colours')
    const before = feed(net.state, documents)
    const { state: rotated } = await publish(
      before,
      [await rotate(before, 'targets', net.key('targets', 0), createKeyPair())],
      undefined
    )
    expect(targetsAgain(rotated, rotated).again).toEqual(trustedUpgrades(before).map(each => each.descriptorHash))
  })

  async function publishVersion(title: string): Promise<{ documents: readonly Uint8Array[] }> {
    const descriptor = nextDescriptor(net.state, title)
    const signers = [net.key('targets', 0), net.key('targets', 1)]
    const targets = await signTargets(2, [net.created.descriptor, descriptor], signers, later(9 * dayMs), delegations())
    return { documents: [targets, descriptor] }
  }
})

describe('renewal', () => {
  it.each(['root', 'targets', 'halt', 'admission'] as const)('of %s says the same for longer', async role => {
    const state = feed(net.state, [await signHalt(1, [orderAt(net.state, 1)], [net.key('halt')])])
    const change = {
      root: { roles: {}, decisions: [] },
      targets: targetsAgain(state, state),
      halt: haltsAgain(state, state, []),
      admission: admissionAgain(state, state, [])
    }[role]
    const proposal = propose<ProposalKind>(role, change, { trusted: state, nowMs: nowMs + 100 * dayMs }) as Proposal
    const signers = [0, 1].flatMap(i => net.keystore.keysFor(role)[i] ?? [])
    const { state: renewed } = await publish(state, [await signAll(proposal, signers, state)])
    expect(headsOf(renewed)[role]?.version).toBe((headsOf(state)[role]?.version ?? 0) + 1)
    expect(authorizedKeys(renewed, role)).toEqual(authorizedKeys(state, role))
    expect([...haltsOf(renewed)]).toEqual([...haltsOf(state)])
    expect(admissionOf(renewed)).toEqual(admissionOf(state))
    expect(trustedUpgrades(renewed)).toEqual(trustedUpgrades(state))
    expect(describeProposal(proposal, state)[0]).toMatch(/^renews the /)
  })
})
