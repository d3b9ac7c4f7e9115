import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleId, InstarError, type Descriptor, type Manifest } from '@instar/core'
import {
  createKeystore,
  createNetwork,
  encodeExportedKey,
  finishProposals,
  haltsOf,
  orderFor,
  propose,
  restoreTrust,
  signProposal,
  trustedUpgrades,
  type Keystore,
  type TrustState
} from '@instar/signer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Io } from '../src/io.js'
import { run } from '../src/run.js'
import { startFakePeer, type FakePeer } from './fake-peer.js'
import { objectsOf } from './instar.js'

const nobody = { root: 0, targets: 0, snapshot: 0, timestamp: 0, halt: 0, admission: 0 }
const manifest: Manifest = {
  format: 1,
  files: [{ path: 'a.mjs', bytes: 1, sha256: 'ab'.repeat(32), chunks: ['ab'.repeat(32)] }]
}

let folder: string
let peer: FakePeer
let network: string
/** Has all keys but one of the two for halt, which is the other person's. */
let own: Keystore
let other: Keystore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-proposals-'))
  own = await createKeystore(join(folder, 'own'), 'unencrypted')
  other = await createKeystore(join(folder, 'other'), 'unencrypted', { ...nobody, halt: 1 })
  await start(1)
})
afterEach(async () => {
  await peer.close()
  await rm(folder, { recursive: true })
})

/** A network in which so many of the two halt keys must sign. */
async function start(halt: number): Promise<void> {
  const keys = [...own.keys, ...other.keys]
  const created = await createNetwork({
    keystore: {
      directory: folder,
      keys,
      keysFor: role => keys.flatMap(each => (each.role === role ? (each.signer ?? []) : []))
    },
    descriptor: genesis,
    nowMs: Date.now() - 1000,
    thresholds: { halt }
  })
  network = created.network
  await rm(join(folder, '.instar'), { recursive: true, force: true })
  await mkdir(join(folder, '.instar'), { mode: 0o700 })
  peer = await startFakePeer(join(folder, '.instar'), network)
  await peer.submit({ documents: Object.values(created.documents), descriptor: created.descriptor })
}

function genesis(id: string): Descriptor {
  const createdAt = '2030-01-01T00:00:00Z'
  return {
    format: 1,
    network: id,
    version: 1,
    previous: id,
    title: 'Genesis',
    notes: '',
    createdAt,
    runtime: '>=0.0.0',
    supersedes: [],
    classes: [
      {
        newClass: 'Set',
        bundle: bundleId(manifest),
        entry: 'a.mjs',
        compatible: false,
        transform: 'none',
        state: 'managed',
        durability: 'os',
        back: 'none',
        schedule: { strategy: { type: 'eager' }, deadline: createdAt, deadlineSpreadMs: 0 },
        probationMs: 0,
        stableMs: 0,
        retirement: { quietMs: 0 }
      }
    ]
  }
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly questions: readonly string[]
}

/** In this process; `answer` undefined: nobody sits at a terminal. */
async function instar(args: readonly string[], answer?: string): Promise<Ran> {
  const questions: string[] = []
  let [out, err] = ['', '']
  const io: Io = {
    out: text => void (out += text),
    err: text => void (err += text),
    env: {},
    cwd: folder,
    isTerminal: false,
    hasColours: false,
    now: () => Date.now(),
    async ask(question) {
      questions.push(question)
      if (answer === undefined)
        throw new InstarError('BadInput', 'Nobody can answer here: say yes beforehand with --yes.')
      return answer
    },
    canAsk: answer !== undefined,
    askSecret: async () => '',
    onInterrupt: () => () => {},
    exit: () => {}
  }
  return { code: await run(args, io), out, err, questions }
}

const state = async (): Promise<TrustState> => restoreTrust(network, (await peer.trustDocuments()).documents)
const halt = ['halt', '1', '--reason', 'it burns', '--keys', 'own']

describe('halting', () => {
  it('acts at once where the key at hand is enough, after it was shown and agreed to', async () => {
    const { code, out, questions } = await instar(halt, 'y')
    expect(code).toBe(0)
    expect(questions).toEqual(['Sign this? [y/N] '])
    expect(out).toContain('halts version 1 "Genesis"')
    expect(out).toContain('Halt 1 is published.')
    expect(haltsOf(await state()).get(1)).toMatchObject({ order: 'halt', reason: 'it burns', unload: false })
    expect((await instar(['resume', '1', '--reason', 'it was the disk', '--keys', 'own', '--yes'])).code).toBe(0)
    expect(haltsOf(await state()).get(1)).toMatchObject({ order: 'resume' })
  })

  it.each([
    ['when the answer is no', 'n', 4],
    ['when the answer is nothing', '', 4],
    ['when nobody can answer', undefined, 2]
  ])('does nothing %s', async (_, answer, code) => {
    expect((await instar(halt, answer)).code).toBe(code)
    expect(haltsOf(await state()).size).toBe(0)
    expect(await readdir(folder)).not.toContain('halt.json')
    expect(await readdir(join(folder, 'own'))).not.toContain('ledger')
  })

  it('writes nothing with --dry-run, and one object per line with --json', async () => {
    const { out, questions } = await instar([...halt, '--dry-run', '--json'])
    expect(objectsOf(out)).toEqual([{ dryRun: true, kind: 'halt', out: 'halt.json' }])
    expect(questions).toEqual([])
    expect(await readdir(folder)).not.toContain('halt.json')
  })

  it('leaves a proposal where others must sign too, which goes from one to the next', async () => {
    await peer.close()
    await start(2)
    const first = await instar([...halt, '--yes'])
    expect(first).toMatchObject({ code: 0, out: expect.stringContaining('instar proposal sign halt.json') as string })
    expect(haltsOf(await state()).size).toBe(0)
    expect((await instar(['proposal', 'publish', 'halt.json'])).code).toBe(4)
    const shown = await instar(['proposal', 'show', 'halt.json'])
    expect(shown.out).toContain('signed by 1 of 2 halt keys')
    const second = await instar(['proposal', 'sign', 'halt.json', '--keys', 'other'], 'yes')
    expect(second.out).toContain('The threshold is met')
    expect((await instar(['proposal', 'publish', 'halt.json', '--keys', 'own'])).code).toBe(0)
    expect(haltsOf(await state()).get(1)?.order).toBe('halt')
  })

  it('is not kept from acting by an older order that was signed and never published', async () => {
    const trusted = await state()
    const nowMs = Date.now()
    const { openLedger } = await import('@instar/signer')
    const order = orderFor(trusted, { version: 1, order: 'halt', reason: 'forgotten', nowMs })
    const signer = own.keysFor('halt')[0]!
    const ledger = openLedger(join(folder, 'own', 'ledger'))
    await signProposal(propose('halt', { orders: [order] }, { trusted, nowMs }), { trusted, signer, ledger, nowMs })
    expect((await instar([...halt, '--yes'])).code).toBe(0)
    expect((await state()).halt?.version).toBe(2)
    expect(haltsOf(await state()).get(1)?.reason).toBe('it burns')
  })

  it('a body that the ledger has otherwise takes another number when it is told one', async () => {
    for (const file of ['one.json', 'two.json'])
      expect((await instar(['network', 'renew', '--role', 'admission', '-o', file])).code).toBe(0)
    const trusted = await state()
    const nowMs = Date.now() + 86_400_000
    const { openLedger } = await import('@instar/signer')
    const signer = own.keysFor('admission')[0]!
    const ledger = openLedger(join(folder, 'own', 'ledger'))
    await signProposal(propose('admission', {}, { trusted, nowMs }), { trusted, signer, ledger, nowMs })
    const sign = async (...more: readonly string[]) =>
      (await instar(['proposal', 'sign', 'two.json', '--keys', 'own', '--yes', ...more])).code
    expect(await sign()).toBe(4)
    expect(await sign('--number', '3')).toBe(2)
    expect(await sign('--number', '3', '--rebase')).toBe(0)
    expect((await instar(['proposal', 'publish', 'two.json', '--keys', 'own'])).code).toBe(0)
    expect((await state()).admission?.version).toBe(3)
  })

  it('of a version that is not there is refused', async () => {
    expect(await instar(['halt', '7', '--reason', 'x', '--keys', 'own', '--yes'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('UnknownVersion') as string
    })
  })
})

describe('publishing', () => {
  const sign = async (...make: readonly string[]): Promise<void> => {
    expect((await instar([...make, '-o', 'p.json'])).code).toBe(0)
    expect((await instar(['proposal', 'sign', 'p.json', '--keys', 'own', '--yes'])).code).toBe(0)
  }

  it.each(['root', 'targets', 'halt', 'admission'] as const)(
    'a %s document is refused beside another body for its number, which a connected peer knows',
    async role => {
      if (role === 'halt') expect((await instar([...halt, '--yes'])).code).toBe(0)
      await sign('network', 'renew', '--role', role)
      // Another renewal, of another moment, signed by the same people without a ledger.
      const trusted = await state()
      const nowMs = Date.now() + 86_400_000
      const change = {
        root: { roles: {}, decisions: [] },
        targets: { roles: {} },
        halt: { orders: [] },
        admission: {}
      }[role]
      const others = await signProposal(propose(role, change as never, { trusted, nowMs }) as never, {
        trusted,
        signer: own.keysFor(role)[0]!,
        ledger: { promise: async () => {} },
        nowMs
      })
      peer.ahead.push(...(await finishProposals([others], trusted, undefined, nowMs)).documents)
      const { code, err } = await instar(['proposal', 'publish', 'p.json', '--keys', 'own'])
      expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('ProposalOutdated') as string })
      expect((await instar(['proposal', 'sign', 'p.json', '--rebase', '--keys', 'own', '--yes'])).code).toBe(0)
      expect((await instar(['proposal', 'publish', 'p.json', '--keys', 'own'])).code).toBe(0)
    }
  )

  it('needs no key, waits for a peer with online keys, and says what to do when there is none', async () => {
    await sign('network', 'renew', '--role', 'targets')
    const { freshUntil: _, ...stale } = peer.status().trust
    peer.changes.trust = { ...stale, fresh: false }
    const alone = await instar(['proposal', 'publish', 'p.json', '--wait', '300ms'])
    expect(alone.code).toBe(3)
    expect(alone.out).toContain('Waiting up to 300 ms for a peer with online keys')
    expect(alone.err).toContain('instar network refresh')
    expect((await state()).targets?.version).toBe(2)
    delete peer.changes.trust
    expect(await instar(['proposal', 'publish', 'p.json'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('Trust is fresh until 2030') as string
    })
  })

  it('says how many of the connected peers have it', async () => {
    peer.neighbours.push({ peer: '12D3KooWa', failure: 'It did not answer.' })
    const { out } = await instar([...halt, '--yes', '--wait', '300ms'])
    expect(out).toContain('1 of 1 connected peers did not say what they know')
    expect(out).toContain('0 of 1 connected peers have it')
  })
})

it('shows what is trusted also while a rotation has dropped the versions, and names them again', async () => {
  const fresh = await createKeystore(join(folder, 'fresh'), 'unencrypted', { ...nobody, targets: 1 })
  await writeFile(join(folder, 'fresh.json'), encodeExportedKey(fresh.keys[0]!))
  const old = own.keysFor('targets')[0]!.key.keyId
  const steps = [
    ['network', 'rotate', '--add', 'fresh.json', '--remove', old, '-o', 'rotation.json'],
    ['proposal', 'sign', 'rotation.json', '--keys', 'own', '--yes'],
    ['proposal', 'publish', 'rotation.json', '--keys', 'own'],
    ['network', 'show'],
    ['network', 'renew', '--role', 'targets', '-o', 'targets.json'],
    ['proposal', 'sign', 'targets.json', '--keys', 'fresh', '--yes'],
    ['proposal', 'publish', 'targets.json', '--keys', 'own']
  ]
  const outs: string[] = []
  for (const step of steps) {
    const { code, out, err } = await instar(step)
    expect({ step, code, err }).toEqual({ step, code: 0, err: '' })
    outs.push(out)
  }
  expect(outs[0]).toContain('ends: targets 1')
  expect(outs[2]).toContain('Nothing names the versions of the network')
  expect(outs[3]).toContain('targets: none that this root trusts')
  expect(outs[4]).toContain('says again: version 1')
  expect(trustedUpgrades(await state())).toHaveLength(1)
})

describe('rotating', () => {
  it('names keys by file and by first digits, and refuses what would change nothing or two documents at once', async () => {
    const key = other.keys[0]!
    await writeFile(join(folder, 'key.json'), `${encodeExportedKey(key)}\n`)
    const rotate = async (...more: readonly string[]) => instar(['network', 'rotate', ...more, '--json'])
    expect(await rotate()).toMatchObject({ code: 2 })
    // It counts already: nothing would change.
    expect(await rotate('--add', 'key.json')).toMatchObject({ code: 2 })
    expect(await rotate('--add', 'key.json', '--role', 'targets', '--threshold', 'halt=1')).toMatchObject({ code: 2 })
    expect(await rotate('--remove', '0123')).toMatchObject({ code: 2 })
    expect(await rotate('--remove', 'ffffffffffff')).toMatchObject({ code: 2 })
    expect(await rotate('--add', 'nowhere.json')).toMatchObject({ code: 2 })
    const two = ['--threshold', 'halt=2', '--role', 'halt']
    expect(objectsOf((await rotate(...two)).out)).toMatchObject([{ kind: 'targets', out: 'rotation.json' }])
    const remove = key.key.keyId.slice(0, 9)
    const { code, out } = await rotate('--remove', remove, '-o', 'gone.json')
    expect({ code, kind: objectsOf(out)[0]?.['kind'] }).toEqual({ code: 0, kind: 'targets' })
    expect(await readFile(join(folder, 'gone.json'), 'utf8')).toContain(key.key.keyId)
    const both = ['--threshold', 'root=1', '--threshold', 'halt=2']
    expect(await rotate(...both)).toMatchObject({ code: 2, out: expect.stringContaining('two documents') as string })
  })

  it('a decision names a descriptor that is known by its first digits, or in full', async () => {
    const hash = (await state()).named.run[0]!.hash
    const resolve = async (keep: string) => instar(['network', 'resolve', '1', '--keep', keep, '--dry-run'])
    expect((await resolve(hash.slice(0, 8))).out).toContain(`decides: version 1 is descriptor ${hash} "Genesis"`)
    expect((await resolve('none')).out).toContain('decides: version 1 is none of them')
    expect(await resolve('abcdef0123')).toMatchObject({ code: 2 })
  })
})
