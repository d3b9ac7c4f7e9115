import { cp, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTicket } from '@instar/core'
import { readGenesisSeed } from '@instar/node/control'
import { admissionOf, judgeCertificate, parseInvitation, restoreTrust, type TrustState } from '@instar/signer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runsEverything } from '../../../test/fixtures/selection.js'
import { startFakePeer, type FakePeer } from './fake-peer.js'
import { instar, objectsOf } from './instar.js'

const skeleton = fileURLToPath(new URL('../src/skeleton/', import.meta.url))
const installed = fileURLToPath(new URL('../../../node_modules/', import.meta.url))
const someone = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

let folder: string
let peer: FakePeer

/** The holder of the admission key of a network whose peer judges with the real signer; each test goes on where the one before ended. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-admission-'))
  await cp(skeleton, folder, { recursive: true })
  await symlink(installed, join(folder, 'node_modules'))
  await instar(
    folder,
    'network',
    'create',
    '--class',
    './counter.ts',
    '--data',
    'one',
    '--keys',
    'keys',
    '--no-passphrase'
  )
  const seed = await readGenesisSeed(join(folder, 'one'))
  peer = await startFakePeer(join(folder, 'one'), seed!.network)
  await peer.submit({ documents: seed!.documents, descriptor: seed!.descriptor })
})
afterAll(async () => {
  await peer.close()
  await rm(folder, { recursive: true })
})

const at = ['--data', 'one', '--keys', 'keys', '--json']
const run = async (...words: readonly string[]) => {
  const { code, out, err } = await instar(folder, ...words, ...at)
  // For programs an error is an object as well.
  return { code, said: `${out}${err}`, last: objectsOf(out).at(-1) }
}
async function trusted(): Promise<TrustState> {
  const { documents, descriptors } = await peer.trustDocuments()
  return restoreTrust(peer.status().network, [...documents, ...descriptors])
}

describe('instar admit', () => {
  it('does nothing with --dry-run', async () => {
    const { code, last } = await run('admit', someone, '--class', 'counter', '--dry-run')
    expect([code, last?.['dryRun'], peer.certificates]).toEqual([0, true, []])
  })

  it('signs a certificate, writes it down beside the keys, and hands it in', async () => {
    const { code, last } = await run('admit', someone, '--class', 'counter', '--group', 'north', '--expires', '30d')
    expect(code).toBe(0)
    expect(last).toMatchObject({ peer: someone, groups: ['north'], outcome: 'waits' })
    expect(judgeCertificate(await trusted(), peer.certificates[0]!, Date.now())).toMatchObject({
      verdict: 'accept',
      value: { peer: someone, class: 'counter', groups: ['north'], serial: last!['serial'] }
    })
    const ledger = join(folder, 'keys', 'admissions')
    expect(await readFile(ledger, 'utf8')).toContain(String(last!['serial']))
    expect((await stat(ledger)).mode & 0o777).toBe(0o600)
  })

  it('writes it to a file, which any peer takes', async () => {
    expect(await run('admit', someone, '--class', 'counter', '--out', 'peer.json')).toMatchObject({ code: 0 })
    const { code, out } = await instar(folder, 'certificate', 'add', 'peer.json', '--data', 'one', '--json')
    expect([code, objectsOf(out).at(-1)]).toMatchObject([0, { peer: someone, outcome: 'waits' }])
  })

  it.runIf(runsEverything).each([
    ['a class that the network does not have', ['admit', someone, '--class', 'count'], 'has no class count'],
    ['somebody who is no peer', ['admit', 'nobody', '--class', 'counter'], 'is no peer id'],
    ['more than 90 days', ['admit', someone, '--class', 'counter', '--expires', '91d'], 'at most 90 days']
  ])('refuses %s', async (_what, words, sentence) => {
    const { code, said } = await run(...words)
    expect([code, said]).toEqual([2, expect.stringContaining(sentence)])
  })
})

describe('the admission document', () => {
  it('closes the door', async () => {
    expect(await run('network', 'policy', 'certificate', '--yes', '--wait', '0s')).toMatchObject({ code: 0 })
    expect(admissionOf(await trusted()).policy).toBe('certificate')
  })

  it('takes back every certificate that a peer was given', async () => {
    expect(await run('revoke', someone, '--yes', '--wait', '0s')).toMatchObject({ code: 0 })
    const state = await trusted()
    expect(admissionOf(state).revoked.size).toBe(2)
    for (const bytes of peer.certificates)
      expect(judgeCertificate(state, bytes, Date.now())).toMatchObject({ code: 'CertificateRevoked' })
    const { code, said } = await run('revoke', `${someone.slice(0, -1)}q`, '--yes')
    expect([code, said]).toEqual([2, expect.stringContaining('No certificate of')])
  })

  it('configures a group, step by step', async () => {
    const set = ['group', 'set', 'north', '--yes', '--wait', '0s']
    expect(await run(...set, '--add', someone)).toMatchObject({ code: 0 })
    expect(admissionOf(await trusted()).groups.get('north')).toMatchObject({
      configuration: 1,
      members: [someone],
      limit: 1
    })
    const other = `${someone.slice(0, -1)}q`
    expect(await run(...set, '--add', other, '--limit', '2')).toMatchObject({ code: 0 })
    expect(await run(...set, '--remove', other, '--limit', '2')).toMatchObject({ code: 2 })
    expect(admissionOf(await trusted()).groups.get('north')).toMatchObject({ configuration: 2, limit: 2 })
  })

  it('becomes a proposal where no key is at hand', async () => {
    const words = ['network', 'policy', 'open', '--out', 'open.json', '--data', 'one', '--json']
    const { code, out } = await instar(folder, ...words)
    expect([code, objectsOf(out).at(-1)]).toMatchObject([0, { kind: 'admission', complete: false }])
    expect(admissionOf(await trusted()).policy).toBe('certificate')
  })
})

describe('an invitation', () => {
  it('lies in the ticket, with the key that makes its holder the bearer, and a warning beside it', async () => {
    const { code, said, last } = await run('ticket', '--invite', '--class', 'counter', '--expires', '1d')
    expect(code).toBe(0)
    expect(said).toContain(`instar revoke ${String(last!['serial'])} takes it back`)
    const { invitation, network } = parseTicket(String(last!['ticket']))
    expect(parseInvitation(Buffer.from(invitation!.document, 'base64'), network)).toMatchObject({
      verdict: 'accept',
      value: { class: 'counter', serial: last!['serial'] }
    })
    expect(await run('ticket', '--invite')).toMatchObject({ code: 2 })
  })

  it('is revoked by its serial', async () => {
    const { last } = await run('ticket', '--invite', '--class', 'counter')
    expect(await run('revoke', String(last!['serial']), '--yes', '--wait', '0s')).toMatchObject({ code: 0 })
    expect(admissionOf(await trusted()).revoked.has(String(last!['serial']))).toBe(true)
  })
})
