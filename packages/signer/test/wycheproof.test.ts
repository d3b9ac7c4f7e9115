import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createPublicKeyOf, verifies, type Scheme } from '../src/keys/public-key.js'
import { parseSignatures } from '../src/metadata/document.js'

interface Vectors {
  readonly scheme: Scheme
  readonly numberOfTests: number
  readonly groups: ReadonlyArray<{
    readonly key: string
    readonly tests: ReadonlyArray<readonly [tcId: number, result: string, msg: string, sig: string, comment: string]>
  }>
}

const files = ['wycheproof-ed25519.json', 'wycheproof-ecdsa-p256-sha256.json']

/** As a signature reaches a peer: the text is read as one of a document, then verified. */
function isTaken(scheme: Scheme, key: string, msg: string, sig: string): boolean {
  const signatures = parseSignatures([{ keyid: '0'.repeat(64), sig }])
  if (signatures.verdict !== 'accept') return false
  return verifies(createPublicKeyOf(scheme, key), Buffer.from(msg, 'hex'), sig)
}

// Project Wycheproof's collection of what has gone wrong in implementations of signatures.
describe.each(files)('%s', file => {
  const vectors = JSON.parse(readFileSync(new URL(`vectors/${file}`, import.meta.url), 'utf8')) as Vectors
  const tests = vectors.groups.flatMap(({ key, tests: some }) =>
    some.map(([tcId, result, msg, sig, comment]) => ({ key, tcId, result, msg, sig, comment }))
  )

  it('is whole, and has both kinds', () => {
    expect(tests).toHaveLength(vectors.numberOfTests)
    expect(new Set(tests.map(each => each.result))).toEqual(new Set(['valid', 'invalid']))
  })

  it('is answered as it says', () => {
    const wrong = tests.filter(
      ({ key, msg, sig, result }) => isTaken(vectors.scheme, key, msg, sig) !== (result === 'valid')
    )
    expect(wrong.map(({ tcId, result, comment }) => `${tcId} is ${result}: ${comment}`)).toEqual([])
  })

  it('has no other text for a signature that counts', () => {
    const { key, msg, sig } = tests.find(({ result, sig: text }) => result === 'valid' && /[a-f]/.test(text))!
    expect(isTaken(vectors.scheme, key, msg, sig)).toBe(true)
    for (const other of [sig.toUpperCase(), `${sig}0`, `${sig}zz`, ` ${sig}`, `0x${sig}`])
      expect(isTaken(vectors.scheme, key, msg, other)).toBe(false)
  })
})
