import { InstarError } from '@instar/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../src/metadata/canonical.js'
import type { MetadataRole, TopLevelRole } from '../src/metadata/document.js'
import {
  admissionOf,
  createKeyPair,
  decisionsOf,
  describeProposal,
  encodeProposal,
  finishProposals,
  forksOf,
  haltsOf,
  isComplete,
  nextGroup,
  numberOf,
  orderFor,
  parseProposal,
  propose,
  rebaseProposal,
  signProposal,
  trustedUpgrades,
  type HaltOrder,
  type Ledger,
  type OnlineKeys,
  type Proposal,
  type RoleChange,
  type Signer,
  type SigningPromise,
  type TrustState
} from '../src/index.js'
import {
  feed,
  later,
  dayMs,
  delegationsOf,
  nextDescriptor,
  nowMs,
  orderAt,
  signHalt,
  signTargets,
  target,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
let online: OnlineKeys
beforeAll(async () => {
  net = await testNetwork({ root: 2, targets: 2, halt: 2, admission: 1 })
  online = { snapshot: net.key('snapshot'), timestamp: net.key('timestamp') }
})

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run()
    return 'nothing thrown'
  } catch (thrown) {
    return thrown instanceof InstarError ? thrown.code : String(thrown)
  }
}

/** One body for each number, as the real one keeps it. */
function strictLedger(): Ledger & { readonly promises: SigningPromise[] } {
  const promises: SigningPromise[] = []
  return {
    promises,
    async promise(more) {
      for (const each of more) {
        const same = (other: SigningPromise) =>
          other.keyId === each.keyId && other.kind === each.kind && other.number === each.number
        if (promises.some(other => same(other) && other.hash !== each.hash))
          throw new InstarError('ProposalConflict', 'It was promised otherwise.')
      }
      promises.push(...more)
    }
  }
}

async function signAll<P extends Proposal>(
  proposal: P,
  signers: readonly Signer[],
  trusted = net.state,
  ledger: Ledger = strictLedger()
): Promise<P> {
  let signed = proposal
  for (const signer of signers) signed = await signProposal(signed, { trusted, signer, ledger, nowMs })
  return signed
}

const init = (trusted = net.state) => ({ trusted, nowMs })
const newcomer = createKeyPair()

/** One proposal of each kind that has not its own tests beside it. */
const every: Record<Exclude<Proposal['kind'], 'upgrade'>, (trusted?: TrustState) => Proposal> = {
  root: trusted =>
    propose(
      'root',
      { roles: { timestamp: { add: [newcomer.key], remove: [] } }, decisions: [{ version: 3, keep: 'none' }] },
      init(trusted)
    ),
  targets: trusted =>
    propose(
      'targets',
      { roles: { halt: { add: [newcomer.key], remove: [net.key('halt').key.keyId] } } },
      init(trusted)
    ),
  halt: trusted => propose('halt', { orders: [haltOrder(trusted)] }, init(trusted)),
  admission: trusted =>
    propose(
      'admission',
      {
        policy: 'certificate',
        revoke: ['0a'.repeat(16)],
        groups: [
          nextGroup(trusted ?? net.state, { group: 'north', members: ['B'.repeat(52), 'A'.repeat(52)], limit: 1 })
        ]
      },
      init(trusted)
    )
}

const haltOrder = (trusted = net.state, reason = 'it leaks'): HaltOrder =>
  orderFor(trusted, { version: 1, order: 'halt', unload: true, reason, nowMs })

const signersOf: Record<keyof typeof every, () => readonly Signer[]> = {
  root: () => [net.key('root', 0), net.key('root', 1)],
  targets: () => [net.key('targets', 0), net.key('targets', 1)],
  halt: () => [net.key('halt', 1)],
  admission: () => [net.key('admission')]
}

describe.each(Object.keys(every) as (keyof typeof every)[])('a proposal of kind %s', kind => {
  it('goes from signer to signer as a file, and is published once enough have signed', async () => {
    let proposal = every[kind]()
    for (const signer of signersOf[kind]()) {
      expect(isComplete(proposal, net.state)).toBe(false)
      expect(await codeOf(() => finishProposals([proposal], net.state, undefined, nowMs))).toBe('NotTrusted')
      proposal = parseProposal(encodeProposal(await signAll(proposal, [signer])))
    }
    expect(isComplete(proposal, net.state)).toBe(true)
    const { state, documents } = await finishProposals([proposal], net.state, undefined, nowMs)
    expect(documents).toHaveLength(1)
    expect(describeProposal(proposal, state).join('\n')).toContain('(published already)')
    // A publisher without online keys leaves the join to others; one who has them joins it.
    const joined = await finishProposals([proposal], net.state, online, nowMs)
    expect(joined.documents.length).toBeGreaterThan(1)
    expect(await finishProposals([proposal], joined.state, undefined, nowMs)).toMatchObject({ documents })
  })

  it('is signed only as it is built from what the signer trusts', async () => {
    const proposal = every[kind]()
    const change = (body: JsonObject): Proposal =>
      parseProposal(encodeProposal({ ...proposal, body: { ...proposal.body, ...body } }))
    const [signer] = signersOf[kind]() as [Signer]
    expect(await codeOf(() => signAll(change({ extra: 1 }), [signer]))).toBe('BadInput')
    expect(await codeOf(() => signAll(change({ targets: {}, roles: {} }), [signer]))).toBe('BadInput')
    expect(await codeOf(() => signAll(change({ version: 9_000_000_000 }), [signer]))).toBe('BadInput')
    expect(describeProposal(change({ extra: 1 }), net.state).join('\n')).toContain('CANNOT BE SIGNED')
  })

  it('is signed by nobody else', async () => {
    expect(await codeOf(() => signAll(every[kind](), [createKeyPair()]))).toBe('KeyNotAuthorized')
    const own = new Set(signersOf[kind]().map(each => each.key.keyId))
    for (const { key, signer } of net.keystore.keys) {
      if (own.has(key.keyId) || (kind === 'halt' && key.keyId === net.key('halt', 0).key.keyId)) continue
      expect(await codeOf(() => signAll(every[kind](), [signer!]))).toBe('KeyNotAuthorized')
    }
  })

  it('is promised under its role and number: a second body for it is refused, unless it takes another number', async () => {
    const ledger = strictLedger()
    const proposal = await signAll(every[kind](), signersOf[kind](), net.state, ledger)
    expect(ledger.promises).toMatchObject(signersOf[kind]().map(() => ({ kind, number: numberOf(proposal) })))
    const other = { ...every[kind](), body: { ...proposal.body, expires: later(77 * dayMs) } } as Proposal
    expect(await codeOf(() => signAll(other, signersOf[kind](), net.state, ledger))).toBe('ProposalConflict')
    const number = numberOf(proposal) + 1
    const skipping = () => rebaseProposal(proposal, { ...init(), number, expiry: { [`${kind}Ms`]: dayMs } })
    if (kind === 'root') expect(await codeOf(skipping)).toBe('BadInput')
    else expect(isComplete(await signAll(skipping(), signersOf[kind](), net.state, ledger), net.state)).toBe(true)
  })

  it('is outdated once another one took its place, and can be put on that', async () => {
    const proposal = await signAll(every[kind](), signersOf[kind]())
    const renewal = {
      root: () => propose('root', { roles: {}, decisions: [] }, init()),
      targets: () => propose('targets', { roles: {} }, init()),
      halt: () => propose('halt', { orders: [orderAt(net.state, 1, { reason: 'first' })] }, init()),
      admission: () => propose('admission', {}, init())
    }[kind]
    const { state } = await finishProposals(
      [await signAll<Proposal>(renewal(), signersOf[kind]())],
      net.state,
      online,
      nowMs
    )
    expect(await codeOf(() => signAll(proposal, signersOf[kind](), state))).toBe('ProposalOutdated')
    expect(await codeOf(() => finishProposals([proposal], state, online, nowMs))).toBe('ProposalOutdated')
    expect(describeProposal(proposal, state).join('\n')).toContain('OUTDATED')
    const rebased = rebaseProposal(proposal, init(state))
    expect(rebased).toMatchObject({ kind, signatures: [], change: proposal.change })
    expect(isComplete(await signAll(rebased, signersOf[kind](), state), state)).toBe(true)
  })
})

it('a file of no known kind, or with the change of another kind, is refused', async () => {
  const text = Buffer.from(encodeProposal(every.halt())).toString()
  const read = (changed: string) => codeOf(() => parseProposal(Buffer.from(changed)))
  expect(await read(text)).toBe('nothing thrown')
  for (const kind of ['upgrade', 'targets', 'root', 'timestamp', '__proto__'])
    expect(await read(text.replace('"halt"', JSON.stringify(kind)))).toBe('BadInput')
  const root = Buffer.from(encodeProposal(every.root())).toString()
  const otherKey = root.replace(/"keyId": "[0-9a-f]{8}/, '"keyId": "00000000')
  expect(await read(otherKey)).toBe('BadInput')
})

describe('in words', () => {
  it('a root says which keys come and go, thresholds, decisions, and what ends with the old keys', () => {
    const [stays, goes] = [net.key('targets', 0), net.key('targets', 1)]
    const roles = { targets: { add: [newcomer.key], remove: [goes.key.keyId] } }
    const proposal = propose('root', { roles, decisions: [{ version: 2, keep: 'ab'.repeat(32) }] }, init())
    const short = (signer: Signer) => signer.key.keyId.slice(0, 8)
    expect(describeProposal(proposal, net.state)).toEqual([
      `targets: 2 of 2 keys (${net.keystore.keysFor('targets').map(short).join(', ')}) → 2 of 2 keys (${[stays, newcomer].map(short).join(', ')})`,
      `  goes: ${goes.key.keyId}`,
      `  comes: ${newcomer.key.keyId}`,
      `decides: version 2 is descriptor ${'ab'.repeat(32)}, which is not here`,
      'ends: targets 1, which the new keys did not sign; the 1 version that it names must be signed again (instar network renew --role targets)',
      'root 1 → 2, expires 2034-12-31T00:00:00Z, that of now 2034-12-31T00:00:00Z',
      'signed by 0 of 2 root keys of root 1',
      'signed by 0 of 2 root keys of root 2'
    ])
  })

  it('a halt says which version, why, and what it does', () => {
    const order = { ...haltOrder(), reason: 'line one\u2028signed by 2 of 2' }
    expect(describeProposal(propose('halt', { orders: [order] }, init()), net.state)).toEqual([
      'halts version 1 "a set"',
      '  nobody introduces it or upgrades to it; trials of it go back',
      '  what serves it beside the running version is withdrawn: its callers are refused',
      '  reason: line one signed by 2 of 2',
      '  said 2030-01-01T00:00:00.000Z',
      'halt none → 1, expires 2032-01-01T00:00:00Z',
      'signed by 0 of 1 halt keys, which 2 keys may give'
    ])
  })

  it('an admission document says policy, certificates and groups', () => {
    expect(describeProposal(every.admission(), net.state).slice(0, 6)).toEqual([
      'policy: open → certificate, only peers with a certificate count',
      `revokes: certificate ${'0a'.repeat(16)}`,
      'revoked are then 1 certificate',
      'group north: configuration none → 1, 2 members, at most 1 down at once',
      `  comes: ${'A'.repeat(52)}`,
      `  comes: ${'B'.repeat(52)}`
    ])
  })

  it('targets say who may halt from now on, and what ends with the old keys', async () => {
    const halted = feed(net.state, [await signHalt(1, [orderAt(net.state, 1)], [net.key('halt')])])
    const words = describeProposal(every.targets(halted), halted)
    expect(words).toContain(`  goes: ${net.key('halt').key.keyId}`)
    expect(words).toContain(`  comes: ${newcomer.key.keyId}`)
    expect(words.find(each => each.startsWith('ends:'))).toContain('halt document 1')
  })
})

describe('what cannot be proposed', () => {
  it('a root with keys or thresholds that nobody could use', async () => {
    const own = (role: MetadataRole) => net.keystore.keysFor(role).map(each => each.key)
    const gone = own('targets').map(each => each.keyId)
    const flawed: Record<string, Partial<Record<TopLevelRole, RoleChange>>> = {
      'a role without keys': { targets: { add: [], remove: gone } },
      'a threshold that two halves of the authors could meet': { targets: { add: [], remove: [], threshold: 1 } },
      'a threshold of several online signers': { timestamp: { add: [newcomer.key], remove: [], threshold: 2 } },
      'a threshold above the number of keys': { root: { add: [], remove: [], threshold: 3 } },
      'a key that goes and was not there': { root: { add: [], remove: ['ab'.repeat(32)] } },
      'a key that comes and is there': { root: { add: own('root'), remove: [] } }
    }
    for (const [flaw, roles] of Object.entries(flawed)) {
      expect(await codeOf(() => propose('root', { roles, decisions: [] }, init())), flaw).toBe('BadInput')
    }
  })

  it('an order on a version that is not there, or with a reason that nobody would read', async () => {
    expect(await codeOf(() => orderFor(net.state, { version: 2, order: 'halt', reason: '', nowMs }))).toBe(
      'UnknownVersion'
    )
    expect(await codeOf(() => haltOrder(net.state, 'x'.repeat(301)))).toBe('BadInput')
    const elsewhere = orderAt(net.state, 1, { chainId: 'cd'.repeat(32) })
    expect(await codeOf(() => propose('halt', { orders: [elsewhere] }, init()))).toBe('BadInput')
  })

  it('a configuration of a group that does not follow', async () => {
    const { state } = await finishProposals(
      [await signAll(every.admission(), signersOf.admission())],
      net.state,
      online,
      nowMs
    )
    const next = nextGroup(state, { group: 'north', members: ['C'.repeat(52)], limit: 1 })
    expect(next.configuration).toBe(2)
    const make = (group: typeof next) => codeOf(() => propose('admission', { groups: [group] }, init(state)))
    expect(await make(next)).toBe('nothing thrown')
    expect(await make({ ...next, configuration: 3 })).toBe('BadInput')
    expect(await make({ ...next, previous: net.network })).toBe('BadInput')
  })
})

it('what an admission document says stays until it is changed', async () => {
  const next = async (state: TrustState, change: Parameters<typeof propose<'admission'>>[1]) => {
    const signed = await signAll(propose('admission', change, init(state)), signersOf.admission(), state)
    return (await finishProposals([signed], state, online, nowMs)).state
  }
  const first = await next(net.state, every.admission().change as never)
  const second = await next(first, { revoke: ['0b'.repeat(16)] })
  expect([...admissionOf(second).revoked]).toEqual(['0a'.repeat(16), '0b'.repeat(16)])
  expect(admissionOf(second)).toMatchObject({ policy: 'certificate' })
  expect([...admissionOf(second).groups.keys()]).toEqual(['north'])
  const third = await next(second, { policy: 'open', forget: ['0a'.repeat(16)] })
  expect([...admissionOf(third).revoked]).toEqual(['0b'.repeat(16)])
})

it('halting stays possible when there is no room: what was resumed long ago is left out first', async () => {
  const orders = Array.from({ length: 24 }, (_, i) =>
    orderAt(net.state, i + 1, {
      reason: 'r'.repeat(300),
      order: i < 12 ? 'resume' : 'halt',
      ...(i === 0 ? {} : { chainId: 'ee'.repeat(32) })
    })
  )
  const full = feed(net.state, [await signHalt(1, orders, [net.key('halt')])])
  expect(haltsOf(full).size).toBe(24)
  const order = orderFor(full, { version: 1, order: 'halt', reason: 'r'.repeat(300), nowMs })
  const proposal = await signAll(propose('halt', { orders: [order] }, init(full)), [net.key('halt')], full)
  const { state } = await finishProposals([proposal], full, online, nowMs)
  expect(haltsOf(state).get(1)?.order).toBe('halt')
  const halted = [...haltsOf(state).values()].filter(each => each.order === 'halt')
  expect(halted).toHaveLength(13)
})

it('a fork ends by the decision of a root, which later roots repeat', async () => {
  const [one, two] = [nextDescriptor(net.state, 'one'), nextDescriptor(net.state, 'two')]
  const delegations = delegationsOf({
    halt: net.keystore.keysFor('halt'),
    admission: net.keystore.keysFor('admission')
  })
  const revision = (descriptor: Uint8Array) =>
    signTargets(2, [net.created.descriptor, descriptor], signersOf.targets(), later(dayMs), delegations)
  const forked = feed(net.state, [await revision(one), one, await revision(two), two])
  expect(forksOf(forked)).toHaveLength(1)
  const decide = async (state: TrustState, keep: string) => {
    const proposal = propose('root', { roles: {}, decisions: [{ version: 2, keep }] }, init(state))
    expect(describeProposal(proposal, state)[0]).toMatch(/^decides: version 2 /)
    const decided = await finishProposals([await signAll(proposal, signersOf.root(), state)], state, online, nowMs)
    // The loser's descriptor was of no use before.
    return feed(decided.state, [one, two])
  }
  const kept = await decide(forked, target(two).hash)
  expect(forksOf(kept)).toEqual([])
  expect(trustedUpgrades(kept).at(-1)?.descriptorHash).toBe(target(two).hash)
  const renewed = await finishProposals(
    [await signAll(propose('root', { roles: {}, decisions: [] }, init(kept)), signersOf.root(), kept)],
    kept,
    online,
    nowMs
  )
  expect([...decisionsOf(renewed.state)]).toEqual([[2, target(two).hash]])
  const none = await decide(renewed.state, 'none')
  expect(trustedUpgrades(none)).toHaveLength(1)
})
