// Every step of docs/runbooks.md is run as it stands there, after the mischief that its chapter is about; then the damage must be gone.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleId, encodeDescriptor, sha256Hex, type Descriptor, type Manifest } from '@instar/core'
import {
  admissionOf,
  authorizedKeys,
  createKeystore,
  createNetwork,
  decisionsOf,
  finishProposals,
  forksOf,
  freshUntilMs,
  haltsOf,
  nextPlace,
  orderFor,
  propose,
  restoreTrust,
  signProposal,
  trustedUpgrades,
  type Keystore,
  type MetadataRole,
  type Proposal,
  type TrustState
} from '@instar/signer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startFakePeer, type FakePeer } from '../packages/cli/test/fake-peer.js'
import { signDocument } from '../packages/signer/src/authoring/bodies.js'
import { chaptersOf, runStep } from './fixtures/runbook.js'

const page = await readFile(new URL('../docs/runbooks.md', import.meta.url), 'utf8')
const chapters = chaptersOf(page)

/** A network with the keystores that the page supposes; its only peer judges with the real signer. */
interface World {
  readonly folder: string
  readonly peer: FakePeer
  readonly keys: Readonly<Record<string, Keystore>>
  readonly network: string
  state(): Promise<TrustState>
  /** Makes a proposal, has everyone sign it who can, and hands it to the peer. */
  say(make: (trusted: TrustState) => Proposal): Promise<void>
}

interface Case {
  /** What happened; returns what the page calls by a name. */
  readonly before: (world: World) => Promise<Record<string, string>>
  /** What must be true once the steps are done. */
  readonly after: (state: TrustState, names: Record<string, string>) => void
  /** Whoever acts holds no online keys, and the join is left to peers that do. */
  readonly leavesJoin?: true
}

const people = {
  alice: { root: 1, targets: 1 },
  bob: { root: 1, targets: 1 },
  carol: { root: 1, targets: 1 },
  online: { snapshot: 1, timestamp: 1 },
  oncall: { halt: 1 },
  door: { admission: 1 }
}
const founder = { keys: { root: 1, targets: 1, snapshot: 1, timestamp: 1 } }
const none = { root: 0, targets: 0, snapshot: 0, timestamp: 0, halt: 0, admission: 0 }
const far = 400 * 86_400_000

let world: World
beforeEach(async context => {
  const isFirst = context.task.name.includes('From one key')
  world = await createWorld(isFirst ? founder : people)
})
afterEach(async () => {
  await world.peer.close()
  await rm(world.folder, { recursive: true })
})

const keyOf = ({ keys }: World, person: string, role: MetadataRole) => keys[person]!.keysFor(role)[0]!.key.keyId
const gone = (state: TrustState, role: MetadataRole, keyId: string) =>
  expect(authorizedKeys(state, role)).not.toContain(keyId)

const cases: Record<string, Case> = {
  'From one key to several': {
    before: async at => ({ ROOT: keyOf(at, 'keys', 'root'), AUTHOR: keyOf(at, 'keys', 'targets') }),
    after(state, { ROOT, AUTHOR }) {
      gone(state, 'root', ROOT!)
      gone(state, 'targets', AUTHOR!)
      for (const role of ['root', 'targets'] as const) expect(authorizedKeys(state, role)).toHaveLength(3)
      expect(state.roots.at(-1)?.model.roles.root.threshold).toBe(2)
      expect(trustedUpgrades(state)).toHaveLength(1)
    }
  },
  'A timestamp key is stolen': {
    before: async at => ({ STOLEN: await driveUp(at, 'timestamp', ['online']) }),
    after: (state, { STOLEN }) => gone(state, 'timestamp', STOLEN!)
  },
  'A snapshot key is stolen': {
    before: async at => ({ STOLEN: await driveUp(at, 'snapshot', ['online']) }),
    after: (state, { STOLEN }) => gone(state, 'snapshot', STOLEN!)
  },
  'An author’s key is stolen': {
    async before(at) {
      await publishVersion(at, ['alice', 'carol'])
      return { STOLEN: keyOf(at, 'carol', 'targets') }
    },
    after(state, { STOLEN }) {
      gone(state, 'targets', STOLEN!)
      expect(trustedUpgrades(state)).toHaveLength(2)
    }
  },
  'Authors’ keys at the threshold are stolen': {
    async before(at) {
      await publishVersion(at, ['alice', 'carol'], 'evil')
      return { STOLEN: await driveUp(at, 'targets', ['alice', 'carol']), STOLEN_TOO: keyOf(at, 'carol', 'targets') }
    },
    after(state, { STOLEN, STOLEN_TOO }) {
      gone(state, 'targets', STOLEN!)
      gone(state, 'targets', STOLEN_TOO!)
      expect(trustedUpgrades(state)).toHaveLength(1)
      expect([...decisionsOf(state)]).toEqual([[2, 'none']])
    }
  },
  'A halt key is stolen': {
    async before(at) {
      await at.say(trusted => halting(trusted, 'halt'))
      return { STOLEN: await driveUp(at, 'halt', ['oncall']) }
    },
    after(state, { STOLEN }) {
      gone(state, 'halt', STOLEN!)
      expect(haltsOf(state).get(1)?.order).toBe('halt')
    }
  },
  'An admission key is stolen': {
    async before(at) {
      await at.say(trusted => propose('admission', { revoke: ['0a'.repeat(16)] }, { trusted, nowMs: Date.now() }))
      return { STOLEN: await driveUp(at, 'admission', ['door']) }
    },
    after(state, { STOLEN }) {
      gone(state, 'admission', STOLEN!)
      expect(admissionOf(state)).toMatchObject({ policy: 'open', revoked: new Set(['0a'.repeat(16)]) })
    }
  },
  'A root key below the threshold is stolen': {
    before: async at => ({ STOLEN: keyOf(at, 'carol', 'root') }),
    after: (state, { STOLEN }) => gone(state, 'root', STOLEN!)
  },
  'A bad upgrade': {
    async before(at) {
      await publishVersion(at, ['alice', 'bob'])
      return {}
    },
    after(state) {
      expect(haltsOf(state).get(2)).toMatchObject({
        order: 'resume',
        reason: expect.stringContaining('disk') as string
      })
    },
    leavesJoin: true
  },
  'A forked version': {
    async before(at) {
      const trusted = await at.state()
      // Two proposals on one base, signed without a ledger: what honest tools refuse.
      const [one, two] = [upgradeOf(trusted, 'one'), upgradeOf(trusted, 'two')]
      for (const proposal of [one, two]) await hand(at, await signed(at, proposal, trusted, ['alice', 'bob']), trusted)
      expect(forksOf(await at.state())).toHaveLength(1)
      return { KEEP: sha256Hex(encodeDescriptor(two.change.descriptor)) }
    },
    after(state, { KEEP }) {
      expect(forksOf(state)).toEqual([])
      expect([...decisionsOf(state)]).toEqual([[2, KEEP]])
      expect(state.named.run[1]?.hash).toBe(KEEP)
    }
  },
  'Expired documents': {
    before: async () => ({}),
    after(state) {
      expect(state.roots).toHaveLength(2)
      expect(state.targets?.version).toBe(2)
      expect(state.admission?.version).toBe(2)
    }
  }
}

describe('the runbook', () => {
  it.each(chapters.map(each => [each.title, each.steps] as const))('%s', async (title, steps) => {
    const { before, after, leavesJoin } = caseOf(title)
    const names = await before(world)
    const env = { ...names, INSTAR_DATA: join(world.folder, 'peer') }
    const more = (step: string) => (step.includes('keys create') ? ['--no-passphrase'] : [])
    for (const step of steps) {
      const { code, out, err } = await runStep(step, { folder: world.folder, env, more })
      expect({ step, code, err }, out).toEqual({ step, code: 0, err: '' })
    }
    const state = await world.state()
    after(state, names)
    for (const role of ['targets', 'snapshot', 'timestamp', 'halt', 'admission'] as const)
      expect(state[role]?.version ?? 0, role).toBeLessThan(2 ** 52)
    expect(freshUntilMs(state) > Date.now()).toBe(leavesJoin !== true)
  })

  it('has a case for each chapter, and a chapter for each case', () => {
    expect(chapters.map(each => each.title).sort()).toEqual(Object.keys(cases).map(straight).sort())
  })
})

const straight = (title: string) => title.replaceAll('’', "'")

function caseOf(title: string): Case {
  const found = Object.entries(cases).find(([name]) => straight(name) === title)
  if (found === undefined) throw new Error(`no test knows what happened in the chapter ${title}`)
  return found[1]
}

async function createWorld(who: Readonly<Record<string, Partial<Record<MetadataRole, number>>>>): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'instar-runbook-'))
  const keys: Record<string, Keystore> = {}
  for (const [person, counts] of Object.entries(who)) {
    keys[person] = await createKeystore(join(folder, person), 'unencrypted', { ...none, ...counts })
  }
  const all = Object.values(keys).flatMap(each => each.keys)
  const keysFor = (role: MetadataRole) => all.flatMap(each => (each.role === role ? (each.signer ?? []) : []))
  const created = await createNetwork({
    keystore: { directory: folder, keys: all, keysFor },
    descriptor: network => descriptorAt({ network, version: 1, previous: network }, 'genesis'),
    nowMs: Date.now() - 1000
  })
  await mkdir(join(folder, 'peer'), { mode: 0o700 })
  const peer = await startFakePeer(join(folder, 'peer'), created.network)
  await peer.submit({ documents: Object.values(created.documents), descriptor: created.descriptor })
  const state = async () => restoreTrust(created.network, (await peer.trustDocuments()).documents)
  const at: World = {
    folder,
    peer,
    keys,
    network: created.network,
    state,
    async say(make) {
      const trusted = await state()
      await hand(at, await signed(at, make(trusted), trusted, Object.keys(keys)), trusted)
    }
  }
  return at
}

/** The thief signs the highest number there is, so that no genuine document could follow. Returns the id of the first stolen key. */
async function driveUp(at: World, role: Exclude<MetadataRole, 'root'>, stolen: readonly string[]): Promise<string> {
  const held = (await at.state())[role]!
  const signers = stolen.flatMap(person => at.keys[person]!.keysFor(role))
  const expires = new Date(Date.now() + far).toISOString().replace(/\.\d+Z$/, 'Z')
  const document = await signDocument({ ...held.signed, version: Number.MAX_SAFE_INTEGER, expires }, signers)
  expect(await at.peer.submit({ documents: [document] })).toMatchObject([{ verdict: 'accept' }])
  return signers[0]!.key.keyId
}

async function signed<P extends Proposal>(
  at: World,
  proposal: P,
  trusted: TrustState,
  who: readonly string[]
): Promise<P> {
  const role = proposal.kind === 'upgrade' ? 'targets' : proposal.kind
  const signers = who.flatMap(person => at.keys[person]!.keysFor(role))
  const ledger = { promise: async () => {} }
  let next = proposal
  for (const signer of signers) next = await signProposal(next, { trusted, signer, ledger, nowMs: Date.now() })
  return next
}

async function hand({ peer, keys }: World, proposal: Proposal, trusted: TrustState): Promise<void> {
  const online = {
    snapshot: keys['online']!.keysFor('snapshot')[0]!,
    timestamp: keys['online']!.keysFor('timestamp')[0]!
  }
  const { documents, descriptor } = await finishProposals([proposal], trusted, online, Date.now(), { timestampMs: far })
  await peer.submit({ documents, ...(descriptor === undefined ? {} : { descriptor }) })
}

async function publishVersion(at: World, who: readonly string[], title = 'colours'): Promise<void> {
  const trusted = await at.state()
  await hand(at, await signed(at, upgradeOf(trusted, title), trusted, who), trusted)
  expect(trustedUpgrades(await at.state())).toHaveLength(2)
}

function halting(trusted: TrustState, order: 'halt' | 'resume'): Proposal {
  const nowMs = Date.now()
  const said = orderFor(trusted, { version: 1, order, reason: 'it burns', nowMs })
  return propose('halt', { orders: [said] }, { trusted, nowMs })
}

function upgradeOf(trusted: TrustState, title: string) {
  const descriptor = descriptorAt(nextPlace(trusted), title)
  return propose('upgrade', { descriptor, manifests: [manifest] }, { trusted, nowMs: Date.now() })
}

const code = 'export default {}'
const manifest: Manifest = {
  format: 1,
  files: [{ path: 'set.mjs', bytes: code.length, sha256: sha256Hex(code), chunks: [sha256Hex(code)] }]
}

function descriptorAt(place: { network: string; version: number; previous: string }, title: string): Descriptor {
  const { version } = place
  const deadline = new Date(far).toISOString()
  return {
    format: 1,
    ...place,
    title,
    notes: '',
    createdAt: deadline,
    runtime: '>=0.0.0',
    supersedes: [],
    classes: [
      {
        ...(version === 1 ? {} : { oldClass: `Set${version - 1}` }),
        newClass: `Set${version}`,
        bundle: bundleId(manifest),
        entry: 'set.mjs',
        compatible: false,
        transform: 'none',
        state: 'managed',
        durability: 'os',
        back: 'none',
        schedule: { strategy: { type: 'eager' }, deadline, deadlineSpreadMs: 0 },
        introduceOverMs: 0,
        probationMs: 0,
        stableMs: 0,
        retirement: { quietMs: 0 }
      }
    ]
  }
}
