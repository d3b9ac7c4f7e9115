import { beforeAll, describe, expect, it } from 'vitest'
import { signDocument } from '../../src/authoring/bodies.js'
import { toKeyJson } from '../../src/keys/public-key.js'
import { canonicalHash } from '../../src/metadata/canonical.js'
import { createKeyPair, trust } from '../../src/index.js'
import {
  dayMs,
  delegationsOf,
  keysOf,
  later,
  nextRoot,
  nowMs,
  outcome,
  signTargets,
  testNetwork,
  type TestNetwork
} from '../network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork({ halt: 1, admission: 1 })
})

const halt = () => net.key('halt').key.keyId
const admission = () => net.key('admission').key.keyId

describe('endless data', () => {
  /** Processor time of one judgement, over many: other work on the machine does not count, nor how coarse its clock is. */
  const costMs = (document: Uint8Array) => {
    const judge = (times: number) => {
      for (let i = 0; i < times; i++) expect(trust(net.state, document, nowMs).verdict.verdict).not.toBe('accept')
    }
    judge(10)
    const before = process.threadCpuUsage()
    judge(40)
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 40_000
  }
  const forge = (signed: string, keyId = net.key('targets').key.keyId) =>
    Buffer.from(`{"signatures":[{"keyid":"${keyId}","sig":"${'ab'.repeat(64)}"}],"signed":${signed}}`)
  const frame = (targets: string, role = 'targets') =>
    `{"_type":"${role}","expires":"2031-01-01T00:00:00Z","spec_version":"1.0.31","targets":{${targets}},"version":7}`
  const entries = (count: number) =>
    Array.from(
      { length: count },
      (_, i) => `"upgrades/${i + 1}":{"hashes":{"sha256":"${'ab'.repeat(32)}"},"length":9}`
    ).join()

  it('refuses what is too large for its role', () => {
    expect(outcome(net.state, new Uint8Array(256 * 1024 + 1).fill(0x20))).toBe('reject TooLarge')
    expect(outcome(net.state, forge(frame(entries(200), 'timestamp')))).toBe('reject TooLarge')
    expect(outcome(net.state, forge(frame(entries(700), 'root')))).toBe('reject TooLarge')
  })

  it('refuses deep nesting and many keys by the scan', () => {
    expect(outcome(net.state, Buffer.from('['.repeat(60_000)))).toBe('reject TooDeep')
    expect(outcome(net.state, Buffer.from(`[${'0,'.repeat(60_000)}0]`))).toBe('reject TooManyItems')
    expect(costMs(Buffer.from('['.repeat(60_000)))).toBeLessThan(5)
    expect(costMs(Buffer.from(`{${'"":0,'.repeat(10_000)}"":0}`))).toBeLessThan(5)
  })

  it('spends less than 5 ms on a forged document of 64 KiB', () => {
    const forged = forge(frame(entries(560)))
    expect(forged.byteLength).toBeGreaterThan(60_000)
    expect(outcome(net.state, forged)).toBe('reject BadSignature')
    expect(costMs(forged)).toBeLessThan(5)
    expect(costMs(forge(frame(entries(560)), 'cd'.repeat(32)))).toBeLessThan(5)
  })

  it('stays linear: four times the size is far from sixteen times the cost', () => {
    const [small, large] = [costMs(forge(frame(entries(550)))), costMs(forge(frame(entries(2200))))]
    expect(large).toBeLessThan(10 * small)
  })

  it('refuses a halt or admission document beyond its size, and spends nothing on a forged one', () => {
    const own = (role: string, entries: string) =>
      `{"_type":"targets","expires":"2031-01-01T00:00:00Z","instar":{"role":"${role}"},"spec_version":"1.0.31","targets":{${entries}},"version":7}`
    expect(outcome(net.state, forge(own('halt', entries(200)), halt()))).toBe('reject TooLarge')
    expect(outcome(net.state, forge(own('admission', entries(700)), admission()))).toBe('reject TooLarge')
    const forged = forge(own('admission', entries(550)), admission())
    expect(outcome(net.state, forged)).toBe('reject BadSignature')
    expect(costMs(forged)).toBeLessThan(5)
  })

  it('refuses more keys and more signatures than are read, for the root and for delegations', async () => {
    const keys = Array.from({ length: 65 }, () => createKeyPair())
    const table = Object.fromEntries(keys.map(({ key }) => [key.keyId, toKeyJson(key)]))
    const role = { name: 'halt', keyids: [keys[0]!.key.keyId], threshold: 1, terminating: true, paths: ['halt/*'] }
    const targets = await signTargets(2, [net.created.descriptor], keysOf(net).targets, later(dayMs), {
      keys: table,
      roles: [role]
    })
    expect(outcome(net.state, targets)).toBe('reject BadMetadata')
    const root = await signDocument({ ...nextRoot(2, keysOf(net)), keys: table }, keysOf(net).root)
    expect(outcome(net.state, root)).toBe('reject BadMetadata')
    const crowd = delegationsOf({ halt: keys.slice(0, 17) })
    const many = await signTargets(2, [net.created.descriptor], keysOf(net).targets, later(dayMs), crowd)
    expect(outcome(net.state, many)).toBe('reject BadMetadata')
  })

  it('spends less than 5 ms on a forged root of 64 KiB with as many keys as fit', () => {
    const table = Array.from({ length: 330 }, (_, i) => {
      const json = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: i.toString(16).padStart(64, '0') } }
      return `"${canonicalHash(json)}":${JSON.stringify(json)}`
    })
    const root = `{"_type":"root","consistent_snapshot":true,"expires":"2031-01-01T00:00:00Z","keys":{${table.join()}},"roles":{},"spec_version":"1.0.31","version":2}`
    const forged = forge(root, net.key('root').key.keyId)
    expect(forged.byteLength).toBeGreaterThan(60_000)
    expect(forged.byteLength).toBeLessThan(64 * 1024)
    expect(outcome(net.state, forged)).toBe('reject BadMetadata')
    expect(costMs(forged)).toBeLessThan(5)
  })
})
