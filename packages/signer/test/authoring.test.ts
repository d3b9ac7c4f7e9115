import { descriptorHash, encodeDescriptor, InstarError, parseDescriptor, type Descriptor } from '@instar/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { nextNumber } from '../src/authoring/online.js'
import {
  createKeyPair,
  createNetwork,
  describeProposal,
  emptyTrust,
  encodeProposal,
  finishProposals,
  freshUntilMs,
  headsOf,
  isComplete,
  nextPlace,
  parseProposal,
  propose as proposeChange,
  rebaseProposal,
  refreshTimestamp,
  signProposal,
  trustedUpgrades,
  type OnlineKeys,
  type Proposal,
  type ProposalOf,
  type TrustState
} from '../src/index.js'
import {
  dayMs,
  descriptorAt,
  feed,
  keysOf,
  manifest,
  memoryKeystore,
  memoryLedger,
  nowMs,
  outcome,
  signTargets,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
let online: OnlineKeys
beforeAll(async () => {
  net = await testNetwork({ targets: 3 })
  online = { snapshot: net.key('snapshot'), timestamp: net.key('timestamp') }
})

const propose = (trusted: TrustState, title?: string): ProposalOf<'upgrade'> =>
  proposeUpgrade(trusted, descriptorAt(nextPlace(trusted), title))

const proposeUpgrade = (trusted: TrustState, descriptor: Descriptor, manifests = [manifest]) =>
  proposeChange('upgrade', { descriptor, manifests }, { trusted, nowMs })

const sign = <P extends Proposal>(proposal: P, author: number, trusted = net.state) =>
  signProposal(proposal, { trusted, signer: net.key('targets', author), ledger: memoryLedger(), nowMs })

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run()
    return 'nothing thrown'
  } catch (thrown) {
    return thrown instanceof InstarError ? thrown.code : String(thrown)
  }
}

describe('creating a network', () => {
  it('makes documents that a stranger can verify from the id alone', () => {
    const { root, targets, snapshot, timestamp } = net.created.documents
    const state = feed(emptyTrust(net.network), [root, targets, snapshot, timestamp, net.created.descriptor])
    expect(trustedUpgrades(state)).toHaveLength(1)
    expect(freshUntilMs(state)).toBe(nowMs + 7 * dayMs)
  })

  it('asks more than half of the authors and of the root keys to sign', () => {
    expect(net.state.roots[0]!.model.roles.targets.threshold).toBe(2)
  })

  it('refuses an author threshold that two disjoint halves could meet', async () => {
    const keystore = memoryKeystore({ targets: 4 })
    const descriptor = (network: string) => descriptorAt({ network, version: 1, previous: network })
    expect(await codeOf(() => createNetwork({ keystore, descriptor, nowMs, thresholds: { targets: 2 } }))).toBe(
      'BadInput'
    )
    expect(await codeOf(() => createNetwork({ keystore: memoryKeystore({ root: 0 }), descriptor, nowMs }))).toBe(
      'KeyNotFound'
    )
  })

  it('refuses a genesis descriptor of another place', async () => {
    const descriptor = (network: string) => descriptorAt({ network, version: 2, previous: network })
    expect(await codeOf(() => createNetwork({ keystore: memoryKeystore(), descriptor, nowMs }))).toBe('BadInput')
  })
})

describe('from proposal to publication', () => {
  it('collects signatures until the threshold, by people who never meet, and moves the network', async () => {
    const proposed = propose(net.state)
    const first = parseProposal(encodeProposal(await sign(proposed, 0)))
    expect(isComplete(first, net.state)).toBe(false)
    expect(await codeOf(() => finishProposals([first], net.state, online, nowMs))).toBe('NotTrusted')
    const second = parseProposal(encodeProposal(await sign(first, 2)))
    expect(isComplete(second, net.state)).toBe(true)

    const { documents, descriptor } = await finishProposals([second], net.state, online, nowMs + 1000)
    const state = feed(net.state, [...documents, descriptor!])
    expect(trustedUpgrades(state).map(each => each.version)).toEqual([1, 2])
    expect(headsOf(state)).toMatchObject({
      targets: { version: 2 },
      snapshot: { version: 2 },
      timestamp: { version: 2 }
    })
    expect(freshUntilMs(state)).toBe(nowMs + 1000 + 7 * dayMs)

    // Repeating `publish` is harmless.
    const again = await finishProposals([second], state, online, nowMs + 2000)
    expect(outcome(state, again.documents[0]!)).toBe('ignore Known')
    expect(trustedUpgrades(feed(state, again.documents))).toHaveLength(2)
  })

  it('one author who signs twice is one author', async () => {
    expect(isComplete(await sign(await sign(propose(net.state), 0), 0), net.state)).toBe(false)
  })

  it('does not count a stranger, nor a signature over something else', async () => {
    const complete = await sign(await sign(propose(net.state), 0), 1)
    const other = propose(net.state, 'other')
    expect(isComplete({ ...other, signatures: complete.signatures }, net.state)).toBe(false)
    const stranger = { trusted: net.state, signer: createKeyPair(), ledger: memoryLedger(), nowMs }
    expect(await codeOf(() => signProposal(other, stranger))).toBe('KeyNotAuthorized')
  })

  it('is outdated when the base moved; re-based while its number is free, its signatures start again', async () => {
    const proposal = await sign(await sign(propose(net.state), 0), 1)
    const renewed = feed(net.state, [await signTargets(2, [net.created.descriptor], keysOf(net).targets)])
    expect(await codeOf(() => finishProposals([proposal], renewed, online, nowMs))).toBe('ProposalOutdated')
    expect(await codeOf(() => sign(proposal, 2, renewed))).toBe('ProposalOutdated')
    const rebased = rebaseProposal(proposal, { trusted: renewed, nowMs })
    expect(rebased).toMatchObject({ base: { version: 2 }, signatures: [] })
    const signed = await sign(await sign(rebased, 0, renewed), 1, renewed)
    const { documents, descriptor } = await finishProposals([signed], renewed, online, nowMs)
    expect(trustedUpgrades(feed(renewed, [...documents, descriptor!]))).toHaveLength(2)

    const first = await sign(await sign(propose(net.state, 'first'), 0), 1)
    const published = await finishProposals([first], net.state, online, nowMs)
    const taken = feed(net.state, [...published.documents, published.descriptor!])
    expect(await codeOf(() => rebaseProposal(proposal, { trusted: taken, nowMs }))).toBe('ProposalConflict')
  })

  it('is not signed when it changes more than it shows', async () => {
    const proposal = propose(net.state)
    const body = structuredClone(proposal.body) as { targets: Record<string, unknown> }
    body.targets['upgrades/3'] = { length: 5, hashes: { sha256: 'ab'.repeat(32) } }
    const forged = parseProposal(encodeProposal({ ...proposal, body: body as Proposal['body'] }))
    expect(await codeOf(() => sign(forged, 0))).toBe('BadInput')
  })

  it('is not signed when it shows another descriptor than the one that its body names, and says so', async () => {
    const text = Buffer.from(encodeProposal(propose(net.state))).toString()
    const forged = parseProposal(Buffer.from(text.replace('"a set"', '"another"')))
    expect(await codeOf(() => sign(forged, 0))).toBe('BadInput')
    expect(describeProposal(forged, net.state).join('\n')).toContain('CANNOT BE SIGNED')
    expect(describeProposal(propose(net.state), net.state).join('\n')).not.toContain('CANNOT')
  })

  it('is not made for a descriptor out of place', async () => {
    const place = nextPlace(net.state)
    const make = (descriptor: Descriptor, manifests = [manifest]) =>
      codeOf(() => proposeUpgrade(net.state, descriptor, manifests))
    const good = descriptorAt(place)
    expect(await make(good)).toBe('nothing thrown')
    expect(await make({ ...good, version: 1, previous: net.network })).toBe('ProposalConflict')
    expect(await make({ ...good, version: 3 })).toBe('BadInput')
    expect(await make({ ...good, previous: net.network })).toBe('BadInput')
    expect(await make({ ...good, network: 'ab'.repeat(32) })).toBe('WrongNetwork')
    expect(await make(good, [])).toBe('BadInput')
    expect(await make({ ...good, classes: [{ ...good.classes[0]!, oldClass: 'Unknown' }] })).toBe('BadInput')
    expect(await make({ ...good, classes: [{ ...good.classes[0]!, entry: 'other.js' }] })).toBe('BadInput')
    const { oldClass: _, ...brought } = good.classes[0]!
    expect(await make({ ...good, classes: [{ ...brought, newClass: 'Set1' }] })).toBe('BadInput')
    expect(await codeOf(() => propose(emptyTrust(net.network)))).toBe('NotTrusted')
  })

  it('refuses a file whose parts do not belong together', async () => {
    const text = Buffer.from(encodeProposal(propose(net.state))).toString()
    const read = (bytes: string) => codeOf(() => parseProposal(Buffer.from(bytes)))
    expect(await read(text)).toBe('nothing thrown')
    expect(await read(text.slice(0, -20))).toBe('BadInput')
    expect(await read(text.replace('"format": 1', '"format": 2'))).toBe('BadInput')
    for (const junk of [
      '',
      '{}',
      '[]',
      'null',
      '{"format":1,"descriptor":{},"targets":{}}',
      '{"format":1,"descriptor":{"classes":7}}'
    ]) {
      expect(await read(junk), junk).toBe('BadInput')
    }
  })
})

it('a signer reads what a signature agrees to, and an author cannot forge lines of it', () => {
  const descriptor = {
    ...descriptorAt(nextPlace(net.state)),
    title: 'Colours\u001b[2K\nsigned by 3 of 3',
    notes: 'why\nnot'
  }
  const proposal = proposeUpgrade(net.state, descriptor)
  const lines = describeProposal(proposal, net.state)
  expect(lines.join('\n')).not.toContain('\u001b')
  expect(lines).toEqual([
    `version 2 "Colours [2K signed by 3 of 3" of network ${net.network.slice(0, 8)}`,
    'made 2030-01-01T00:00:00Z, for Instar >=0.1.0',
    'upgrades class Set1 → Set2',
    `  code: set.js in bundle ${descriptor.classes[0]!.bundle}, 3 bytes in 1 file`,
    '  before the upgrade: version 2 is not served: its callers wait until the peer has upgraded',
    '  after it: version 1 is not served: its callers are refused by a peer that has upgraded',
    '  state: taken as it is; an acknowledged call survives a killed process',
    '  way back: NONE: once a peer has upgraded it stays',
    '  trial: committed after 1 s without a crash; where its errors exceed those before by 5 % of at least 20 calls, or it brings its host down twice, it is reported',
    '  schedule: as soon as the gates are open; at the latest 2030-02-01T00:00:00Z, spread over 10 min',
    '  the version before is retired after 1 d without calls',
    'notes: why not',
    'targets revision 1 → 2, expires 2032-01-01T00:00:00Z, that of now 2032-01-01T00:00:00Z',
    'signed by 0 of 2 authors, which 3 keys may give'
  ])
})

describe('refreshing the timestamp', () => {
  it('prolongs freshness without the authors', async () => {
    const { documents } = await refreshTimestamp(net.state, online, nowMs + 3 * dayMs)
    expect(documents).toHaveLength(1)
    expect(freshUntilMs(feed(net.state, documents))).toBe(nowMs + 10 * dayMs)
  })

  it('renews the snapshot at its half life, and where it does not name the newest targets', async () => {
    expect((await refreshTimestamp(net.state, online, nowMs + 200 * dayMs)).documents).toHaveLength(2)
    const behind = feed(net.state, [await signTargets(2, [net.created.descriptor], keysOf(net).targets)])
    expect(freshUntilMs(behind)).toBe(0)
    const { documents } = await refreshTimestamp(behind, online, nowMs)
    expect(freshUntilMs(feed(behind, documents))).toBe(nowMs + 7 * dayMs)
  })

  it('by two holders at once is harmless', async () => {
    const one = await refreshTimestamp(net.state, online, nowMs + dayMs)
    const two = await refreshTimestamp(net.state, online, nowMs + 2 * dayMs)
    const states = [
      [one, two],
      [two, one]
    ].map(order =>
      feed(
        net.state,
        order.flatMap(each => each.documents)
      )
    )
    expect(headsOf(states[0]!)).toEqual(headsOf(states[1]!))
    expect(freshUntilMs(states[0]!)).toBe(nowMs + 9 * dayMs)
  })

  it('needs a key that the root names, and something to vouch for', async () => {
    const stranger = { ...online, timestamp: createKeyPair() }
    expect(await codeOf(() => refreshTimestamp(net.state, stranger, nowMs))).toBe('KeyNotAuthorized')
    const rootOnly = feed(emptyTrust(net.network), [net.created.documents.root])
    expect(await codeOf(() => refreshTimestamp(rootOnly, online, nowMs))).toBe('NotTrusted')
  })

  it('uses only the numbers of its signer', () => {
    const numbers = (index: number, signers: number) =>
      [0, 1, 2, 3, 4].map(after => nextNumber(after, { index, signers }))
    expect(numbers(0, 1)).toEqual([1, 2, 3, 4, 5])
    expect(numbers(0, 3)).toEqual([3, 3, 3, 6, 6])
    expect(numbers(1, 3)).toEqual([1, 4, 4, 4, 7])
  })
})

it('a descriptor survives the way through a proposal byte for byte', () => {
  const proposal = propose(net.state)
  const read = parseProposal(encodeProposal(proposal)) as typeof proposal
  expect(descriptorHash(read.change.descriptor)).toBe(descriptorHash(proposal.change.descriptor))
  expect(parseDescriptor(encodeDescriptor(read.change.descriptor)).verdict).toBe('accept')
})
