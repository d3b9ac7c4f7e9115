import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import { revokedPath } from '../src/metadata/admission.js'
import { canonicalBytes } from '../src/metadata/canonical.js'
import {
  acceptInvitation,
  addSignature,
  createInvitation,
  createKeyPair,
  emptyTrust,
  issueCertificate,
  judgeCertificate,
  parseCertificate,
  signatureCount,
  type BearerInvitation,
  type Signer,
  type TrustState
} from '../src/index.js'
import { dayMs, feed, nowMs, signAdmission, tamper, testNetwork, type TestNetwork } from './network-kit.js'

const peer = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const terms = { class: 'Set1', groups: ['north'], nowMs, lifeMs: 30 * dayMs, peer }
const inAMonth = nowMs + 30 * dayMs

let home: TestNetwork
/** Policy `certificate`, nobody revoked. */
let trusted: TrustState

beforeAll(async () => {
  home = await testNetwork({ admission: 1 })
  trusted = feed(home.state, [await signAdmission(2, 'certificate', home.keystore.keysFor('admission'))])
})

const revoking = (...serials: string[]) =>
  signAdmission(3, 'certificate', home.keystore.keysFor('admission'), [[revokedPath, { format: 1, serials }]])
const issue = (over: Partial<typeof terms> = {}, signers = home.keystore.keysFor('admission')) =>
  issueCertificate({ network: home.network, ...terms, ...over }, signers)

function outcome(state: TrustState, bytes: Uint8Array, at = nowMs): string {
  const verdict = judgeCertificate(state, bytes, at)
  return verdict.verdict === 'accept' ? 'accept' : `${verdict.verdict} ${verdict.code}`
}

/** A certificate whose signed body was changed, and signed again by this key. */
async function resigned(change: Record<string, unknown>, signer: Signer): Promise<Uint8Array> {
  const { signed } = JSON.parse(Buffer.from(await issue()).toString()) as { signed: Record<string, never> }
  const body = canonicalBytes({ ...signed, ...change } as never)
  const sig = Buffer.from(await signer.sign(body)).toString('hex')
  return Buffer.from(
    `{"signatures":[{"keyid":"${signer.key.keyId}","sig":"${sig}"}],"signed":${Buffer.from(body).toString()}}`
  )
}

describe('a certificate', () => {
  it('that the admission keys signed says who is admitted, as what and how long', async () => {
    const verdict = judgeCertificate(trusted, await issue(), nowMs)
    expect(verdict).toMatchObject({
      verdict: 'accept',
      value: { network: home.network, peer, class: 'Set1', groups: ['north'], expiresMs: inAMonth }
    })
  })

  it('counts from its first moment to its last: a future-dated one not yet, an expired one no more', async () => {
    const bytes = await issue()
    const { notBeforeMs } = parseCertificate(bytes, home.network)
    expect([notBeforeMs - 1, notBeforeMs, inAMonth - 1, inAMonth].map(at => outcome(trusted, bytes, at))).toEqual([
      'ignore CertificateNotYetValid',
      'accept',
      'accept',
      'ignore CertificateExpired'
    ])
  })

  it('is revoked by its serial', async () => {
    const [kept, lost] = [await issue(), await issue()]
    const { serial } = parseCertificate(lost, home.network)
    const after = feed(trusted, [await revoking(serial)])
    expect([outcome(after, kept), outcome(after, lost)]).toEqual(['accept', 'ignore CertificateRevoked'])
  })

  it('by keys that trust does not know, or too few of them, is ignored: newer trust may know better', async () => {
    expect(outcome(trusted, await issue({}, [createKeyPair()]))).toBe('ignore NeedsNewerTrust')
    expect(outcome(emptyTrust(home.network), await issue())).toBe('ignore NeedsNewerTrust')
    expect(outcome(trusted, await issue({}, [home.key('targets')]))).toBe('ignore NeedsNewerTrust')
  })

  it.each([
    ['of another network', { network: 'a'.repeat(64) }, 'reject WrongNetwork'],
    ['of another type', { _type: 'invitation' }, 'reject NotACertificate'],
    ['of another format', { format: 2 }, 'reject NotACertificate'],
    ['for longer than 90 days', { expires: '2031-01-01T00:00:00Z' }, 'reject NotACertificate'],
    ['that ends before it begins', { expires: '2029-01-01T00:00:00Z' }, 'reject NotACertificate'],
    ['with a time of another form', { expires: '2030-01-20' }, 'reject NotACertificate'],
    ['with no serial', { serial: 'x' }, 'reject NotACertificate'],
    ['for nobody', { peer: 'nobody' }, 'reject NotACertificate'],
    ['with a group that is no name', { groups: ['no name'] }, 'reject NotACertificate'],
    ['with more than a certificate has', { more: 1 }, 'reject NotACertificate']
  ])('%s is rejected, whoever signed it', async (_what, change, expected) => {
    expect(outcome(trusted, await resigned(change, home.key('admission')))).toBe(expected)
  })

  it('under a signature that does not verify is rejected', async () => {
    const forged = tamper(await issue(), ({ signed }) => (signed['class'] = 'Other'))
    expect(outcome(trusted, forged)).toBe('reject BadSignature')
  })

  it('is never read when it is larger than 4 KiB, and never made', async () => {
    expect(outcome(trusted, new Uint8Array(4097).fill(0x20))).toBe('reject TooLarge')
    const groups = Array.from({ length: 16 }, (_, i) => `${i}`.padEnd(64, 'g'))
    const signers = Array.from({ length: 16 }, () => createKeyPair())
    await expect(issue({ groups }, signers)).rejects.toMatchObject({ code: 'BadInput' })
  })

  it.each([
    ['a life of nothing', { lifeMs: 0 }],
    ['a life of 91 days', { lifeMs: 91 * dayMs }],
    ['a class that is no name', { class: '../x' }],
    ['a peer that is none', { peer: 'nobody' }]
  ])('is not signed for %s', async (_what, over) => {
    await expect(issue(over)).rejects.toMatchObject({ code: 'BadInput' })
  })

  it('never makes the judge throw, whatever the bytes', async () => {
    const good = Buffer.from(await issue())
    const mutated = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map(changes => {
        const bytes = new Uint8Array(good)
        for (const [at, byte] of changes) bytes[at] = byte
        return bytes
      })
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json({ maxDepth: 6 }).map(text => Buffer.from(`{"signed":${text},"signatures":${text},"invitation":${text}}`))
    )
    fc.assert(
      fc.property(fc.oneof(mutated, garbage), bytes => {
        const verdict = judgeCertificate(trusted, bytes, nowMs)
        if (Buffer.from(bytes).equals(good)) return
        // What still counts says what was signed.
        if (verdict.verdict === 'accept') expect(verdict.value).toEqual(parseCertificate(good, home.network))
      }),
      { numRuns: propertyRuns(300) }
    )
  })
})

describe('a certificate that needs two signatures', () => {
  let two: TestNetwork
  beforeAll(async () => {
    two = await testNetwork({ admission: 2 }, 'ed25519', { admission: 2 })
  })

  it('passes from one keyholder to the next until it is complete', async () => {
    const [first, second] = two.keystore.keysFor('admission')
    const begun = await issueCertificate({ network: two.network, ...terms }, [first!])
    expect(outcome(two.state, begun)).toBe('ignore NeedsNewerTrust')
    expect(signatureCount(two.state, begun)).toEqual({ signed: 1, threshold: 2 })
    expect(outcome(two.state, await addSignature(two.state, begun, first!))).toBe('ignore NeedsNewerTrust')
    const complete = await addSignature(two.state, begun, second!)
    expect(outcome(two.state, complete)).toBe('accept')
    await expect(addSignature(two.state, begun, createKeyPair())).rejects.toMatchObject({ code: 'KeyNotAuthorized' })
  })

  it('is not complete with one key that signed twice, in whatever form', async () => {
    const [first] = two.keystore.keysFor('admission')
    const twice = tamper(await issueCertificate({ network: two.network, ...terms }, [first!]), ({ signatures }) =>
      signatures.push(signatures[0]!)
    )
    expect(outcome(two.state, twice)).toBe('reject DuplicateSignature')
  })
})

describe('an invitation', () => {
  let bearer: BearerInvitation
  let serial: string
  beforeAll(async () => {
    const made = await createInvitation(
      { network: home.network, class: 'Set1', groups: ['north'], nowMs, lifeMs: 7 * dayMs },
      home.keystore.keysFor('admission')
    )
    bearer = made.bearer
    serial = made.invitation.serial
  })
  const join = (at = nowMs, network = home.network) => acceptInvitation(bearer, { network, peer, nowMs: at })

  it('admits whoever holds it, until it ends', async () => {
    const certificate = await join(nowMs + dayMs)
    expect(judgeCertificate(trusted, certificate, nowMs + dayMs)).toMatchObject({
      verdict: 'accept',
      value: { peer, class: 'Set1', groups: ['north'], invitation: serial, expiresMs: nowMs + 7 * dayMs }
    })
    expect(outcome(trusted, certificate, nowMs + 7 * dayMs)).toBe('ignore CertificateExpired')
    await expect(join(nowMs + 7 * dayMs)).rejects.toMatchObject({ code: 'BadTicket' })
  })

  it('that is revoked takes all with it that came through it', async () => {
    const certificates = [await join(), await join()]
    const after = feed(trusted, [await revoking(serial)])
    expect(certificates.map(each => outcome(after, each))).toEqual(Array(2).fill('ignore CertificateRevoked'))
  })

  it('by nobody whom trust knows admits nobody', async () => {
    const init = { network: home.network, class: 'Set1', nowMs, lifeMs: dayMs }
    const strange = await createInvitation(init, [createKeyPair()])
    const certificate = await acceptInvitation(strange.bearer, { network: home.network, peer, nowMs })
    expect(outcome(trusted, certificate)).toBe('ignore NeedsNewerTrust')
  })

  it('is of one network', async () => {
    await expect(join(nowMs, 'a'.repeat(64))).rejects.toMatchObject({ code: 'BadTicket' })
  })

  it.each([
    ['another class', { class: 'Set2' }],
    ['another group', { groups: ['south'] }],
    ['longer than itself', { expires: '2030-01-20T00:00:00Z' }],
    ['a time before itself', { notBefore: '2029-12-01T00:00:00Z' }]
  ])('does not let its bearer admit anybody for %s', async (_what, change) => {
    const { bearerKey } = await import('../src/admission/invitation.js')
    const certificate = tamper(await join(), () => {})
    const parsed = JSON.parse(Buffer.from(certificate).toString()) as { signed: object; invitation: never }
    const signed = { ...parsed.signed, ...change }
    const key = bearerKey(bearer.secret)
    const sig = Buffer.from(await key.sign(canonicalBytes(signed as never))).toString('hex')
    const bytes = JSON.stringify({ ...parsed, signed, signatures: [{ keyid: key.key.keyId, sig }] })
    expect(outcome(trusted, Buffer.from(bytes))).toBe('reject NotACertificate')
  })

  it('is worth nothing to who has the document and not its key', async () => {
    const other = await createInvitation(
      { network: home.network, class: 'Set1', nowMs, lifeMs: dayMs },
      home.keystore.keysFor('admission')
    )
    const stolen = { document: bearer.document, secret: other.bearer.secret }
    await expect(acceptInvitation(stolen, { network: home.network, peer, nowMs })).rejects.toMatchObject({
      code: 'BadTicket'
    })
    const swapped = tamper(await join(), parsed => {
      const { signatures } = parsed
      ;(signatures[0] as { keyid: string }).keyid = home.key('targets').key.keyId
    })
    expect(outcome(trusted, swapped)).toBe('reject NotACertificate')
  })
})
