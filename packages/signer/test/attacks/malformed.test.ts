import type { Json } from '@instar/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { signBody, targetsBody } from '../../src/authoring/bodies.js'
import { canonicalBytes } from '../../src/metadata/canonical.js'
import { dayMs, later, outcome, tamper, target, testNetwork, type TestNetwork } from '../network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork()
})

const genesis = () => net.created.descriptor

describe('malformed metadata with good signatures', () => {
  // With JSON's own escapes around the canonical form, which has none for these characters.
  const sign = async (change: (body: Record<string, Json>) => void) => {
    const signed = structuredClone(targetsBody(2, [[1, target(genesis())]], later(dayMs))) as Record<string, Json>
    change(signed)
    const { keyId, sig } = await signBody(canonicalBytes(signed), net.key('targets'))
    return Buffer.from(JSON.stringify({ signatures: [{ keyid: keyId, sig }], signed }))
  }
  const entry = (body: Record<string, Json>) => (body['targets'] as Record<string, Record<string, Json>>)['upgrades/1']!

  it.each<[string, (body: Record<string, Json>) => void, string]>([
    ['two digests', body => (entry(body)['hashes'] = { sha256: 'ab'.repeat(32), sha512: 'ab' }), 'BadMetadata'],
    ['no sha-256', body => (entry(body)['hashes'] = { sha512: 'ab' }), 'BadMetadata'],
    ['a length beyond what is fetched', body => (entry(body)['length'] = 65 * 1024), 'BadMetadata'],
    ['custom data', body => (entry(body)['custom'] = { x: 1 }), 'BadMetadata'],
    [
      'a padded version',
      body => ((body['targets'] as Record<string, Json>)['upgrades/01'] = entry(body)),
      'BadMetadata'
    ],
    [
      'a path behind a version',
      body => ((body['targets'] as Record<string, Json>)['upgrades/1/../2'] = entry(body)),
      'BadMetadata'
    ],
    ['no targets', body => delete body['targets'], 'BadMetadata'],
    ['another specification', body => (body['spec_version'] = '2.0.0'), 'NotATrustDocument'],
    ['an expiry of another form', body => (body['expires'] = '2031-01-01'), 'NotATrustDocument'],
    ['an unsafe integer', body => (body['version'] = 2 ** 53), 'NotATrustDocument'],
    ['an unsafe integer inside', body => (entry(body)['length'] = 1e300), 'NotCanonical'],
    ['a control character', body => (body['note'] = 'a\nb'), 'NotCanonical'],
    ['half a surrogate pair', body => (body['note'] = '\ud800'), 'NotCanonical']
  ])('rejects %s', async (_name, change, code) => {
    expect(outcome(net.state, await sign(change))).toBe(`reject ${code}`)
  })

  it('cannot be reached through a prototype', async () => {
    const forged = tamper(net.created.documents.timestamp, parsed => delete parsed.signed['version'])
    const polluted = Buffer.from(forged.toString().replace('"signed":{', '"signed":{"__proto__":{"version":2},'))
    expect(outcome(net.state, polluted)).toBe('reject NotATrustDocument')
  })
})
