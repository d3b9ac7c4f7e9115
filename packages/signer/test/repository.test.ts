import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { toKeyJson } from '../src/keys/public-key.js'
import { canonicalHash, hashOf, type JsonObject } from '../src/metadata/canonical.js'
import { createKeyPair, type KeyPair } from '../src/index.js'
import { dayMs, ScriptedRepository, startMs, TestClient, topRoles } from './repository-kit.js'

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text))
const all = ['root', 'targets', 'snapshot', 'timestamp'] as const

async function begin(): Promise<{ repository: ScriptedRepository; client: TestClient }> {
  const repository = await ScriptedRepository.create()
  return { repository, client: new TestClient(repository) }
}

/** A repository that a client has read once, at version 1 of everything. */
async function known(): Promise<{ repository: ScriptedRepository; client: TestClient }> {
  const { repository, client } = await begin()
  expect(await client.outcome()).toBe('ok')
  return { repository, client }
}

describe('a repository with one writer', () => {
  it('is read in the order of the specification, file by file', async () => {
    const { repository, client } = await begin()
    await client.refresh()
    expect(repository.requests).toEqual(['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json'])
    expect(client.trusted()).toBe('root 1, timestamp 1, snapshot 1, targets 1')
    expect(client.stored.get('timestamp.json')).toEqual(repository.files.get('timestamp.json'))
  })

  it('is asked only for what is new', async () => {
    const { repository, client } = await known()
    repository.requests.length = 0
    await client.refresh()
    expect(repository.requests).toEqual(['2.root.json', 'timestamp.json'])
  })

  it('may carry members that nobody knows, keys whose id is no hash among them', async () => {
    const { repository, client } = await known()
    repository.moreKeys['a name'] = { ...toKeyJson(createKeyPair().key), remark: { a: 1 } }
    await repository.publishOne('root', { body: signed => ({ ...signed, custom: ['line\nend'] }) })
    expect(await client.outcome()).toBe('ok')
    expect(client.trusted()).toContain('root 2')
  })

  it.each(['ecdsa-sha2-nistp256', 'rsassa-pss-sha256'])('may be signed by %s keys', async scheme => {
    const { privateKey, publicKey } =
      scheme === 'rsassa-pss-sha256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const padding = scheme === 'rsassa-pss-sha256' ? { padding: 6, saltLength: 32 } : {}
    const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string
    const json: JsonObject = { keytype: padding.padding ? 'rsa' : 'ecdsa', scheme, keyval: { public: pem } }
    const key: KeyPair = {
      key: { keyId: canonicalHash(json) } as KeyPair['key'],
      sign: async bytes => new Uint8Array(sign('sha256', bytes, { key: privateKey, ...padding })),
      exportPrivate: () => ''
    }
    const { repository, client } = await known()
    repository.moreKeys[key.key.keyId] = json
    repository.moreKeyIds.root = [key.key.keyId]
    repository.roles.root.threshold = 2
    await repository.publishOne('root', { signers: [...repository.roles.root.keys, key] })
    expect(await client.outcome()).toBe('ok')
    const wrong = { ...key, sign: async (bytes: Uint8Array) => key.sign(bytes.subarray(1)) }
    await repository.publishOne('root', { signers: [...repository.roles.root.keys, wrong] })
    expect(await client.outcome()).toBe('ThresholdNotMet')
  })
})

describe('against a repository whose keys do not agree', () => {
  it.each(topRoles)(
    'arbitrary software: %s signed by a stranger is refused, and what came before it stays',
    async role => {
      const { repository, client } = await known()
      for (const each of all) await repository.publishOne(each, each === role ? { signers: [createKeyPair()] } : {})
      expect(await client.outcome()).toBe('ThresholdNotMet')
      expect(client.trusted()).toBe(
        topRoles.map((each, i) => `${each} ${i < topRoles.indexOf(role) ? 2 : 1}`).join(', ')
      )
    }
  )

  it.each([
    ['the old keys only', 'ThresholdNotMet'],
    ['the new keys only', 'ThresholdNotMet'],
    ['both', 'ok']
  ])('a root that rotates its keys, signed by %s: %s', async (who, outcome) => {
    const { repository, client } = await known()
    const old = repository.roles.root.keys
    const next = [createKeyPair(), createKeyPair()]
    repository.rotate('root', next)
    const signers = who === 'both' ? [...old, ...next] : who === 'the old keys only' ? old : next
    await repository.publishOne('root', { signers })
    expect(await client.outcome()).toBe(outcome)
  })

  it('duplicate signatures refuse the document', async () => {
    const { repository, client } = await known()
    const [key] = repository.roles.timestamp.keys as [KeyPair]
    await repository.publishOne('timestamp', { signers: [key, key] })
    expect(await client.outcome()).toBe('DuplicateSignature')
  })

  it('one key under two ids counts once', async () => {
    const { repository, client } = await known()
    const [pair] = repository.roles.snapshot.keys as [KeyPair]
    repository.moreKeys['again'] = toKeyJson(pair.key)
    repository.moreKeyIds.snapshot = ['again']
    repository.roles.snapshot.threshold = 2
    const again = { ...pair, key: { ...pair.key, keyId: 'again' } }
    await repository.publish('root', 'targets')
    await repository.publishOne('snapshot', { signers: [...repository.roles.snapshot.keys, again] })
    await repository.publish('timestamp')
    expect(await client.outcome()).toBe('ThresholdNotMet')
    expect(client.trusted()).toBe('root 2, timestamp 2, snapshot 1, targets 1')
  })

  it('a signature that is wrong spoils nothing where the others suffice', async () => {
    const { repository, client } = await known()
    const stranger = { ...createKeyPair(), key: createKeyPair().key }
    repository.rotate('timestamp', [...repository.roles.timestamp.keys, stranger], 1)
    await repository.publishOne('root')
    await repository.publishOne('timestamp', { signers: repository.roles.timestamp.keys })
    expect(await client.outcome()).toBe('ok')
  })
})

describe('against a repository that goes back', () => {
  it('rollback of the timestamp', async () => {
    const { repository, client } = await known()
    await repository.publish('timestamp')
    await client.refresh()
    repository.roles.timestamp.version = 0
    await repository.publish('timestamp')
    expect(await client.outcome()).toBe('Rollback')
    expect(client.trusted()).toContain('timestamp 2')
  })

  it.each([false, true])('rollback of the snapshot (hashes: %s)', async withHashes => {
    const { repository, client } = await begin()
    repository.withHashes = withHashes
    await repository.publish('snapshot', 'timestamp')
    await client.refresh()
    repository.roles.snapshot.version = 0
    await repository.publish('snapshot', 'timestamp')
    expect(await client.outcome()).toBe('Rollback')
    expect(client.trusted()).toBe('root 1, timestamp 2, snapshot 2, targets 1')
  })

  it.each([false, true])('rollback of targets (hashes: %s)', async withHashes => {
    const { repository, client } = await begin()
    repository.withHashes = withHashes
    await repository.publish('targets', 'snapshot', 'timestamp')
    await client.refresh()
    repository.roles.targets.version = 0
    await repository.publish('targets', 'snapshot', 'timestamp')
    expect(await client.outcome()).toBe('Rollback')
    expect(client.trusted()).toBe('root 1, timestamp 3, snapshot 2, targets 2')
  })

  it('a role that is removed from the snapshot', async () => {
    const { repository, client } = await begin()
    repository.snapshotMeta['other.json'] = { version: 1 }
    await repository.publish('snapshot', 'timestamp')
    await client.refresh()
    delete repository.snapshotMeta['other.json']
    await repository.publish('snapshot', 'timestamp')
    expect(await client.outcome()).toBe('RoleRemoved')
  })

  it('fast-forward is recovered from by rotating the keys that signed it', async () => {
    const { repository, client } = await known()
    repository.roles.timestamp.version = 1_000_000
    repository.roles.snapshot.version = 1_000_000
    await repository.publish('snapshot', 'timestamp')
    expect(await client.outcome()).toBe('ok')
    for (const role of ['timestamp', 'snapshot'] as const) {
      repository.rotate(role, [createKeyPair()])
      repository.roles[role].version = 1
    }
    await repository.publish(...all)
    expect(await client.outcome()).toBe('ok')
    expect(client.trusted()).toBe('root 2, timestamp 2, snapshot 2, targets 2')
  })

  it('another timestamp of the same number changes nothing', async () => {
    const { repository, client } = await known()
    repository.timestampMeta = { version: 100 }
    repository.roles.timestamp.version = 0
    await repository.publish('timestamp')
    repository.requests.length = 0
    expect(await client.outcome()).toBe('ok')
    expect(repository.requests).toEqual(['2.root.json', 'timestamp.json'])
  })
})

describe('against a repository that stands still, or mixes', () => {
  it.each(topRoles)('an expired %s ends the refresh; only a root is kept', async role => {
    const { repository, client } = await known()
    repository.roles[role].lifeMs = -1000
    await repository.publish(...all)
    expect(await client.outcome()).toBe('Expired')
    const kept = topRoles.map((each, i) => {
      const trusted = i < topRoles.indexOf(role) || (role === 'root' && each === 'root')
      return `${each} ${trusted ? 2 : 1}`
    })
    expect(client.trusted()).toBe(kept.join(', '))
  })

  it('freeze: the same timestamp is good until it expires', async () => {
    const { repository, client } = await known()
    repository.nowMs = startMs + 29 * dayMs
    expect(await client.outcome()).toBe('ok')
    repository.nowMs = startMs + 31 * dayMs
    expect(await client.outcome()).toBe('Expired')
  })

  it('a root that expired here is led on by its successors', async () => {
    const { repository, client } = await known()
    repository.nowMs = startMs + 60 * dayMs
    await repository.publish(...all)
    expect(await client.outcome()).toBe('ok')
  })

  it.each(['root', 'snapshot', 'targets'] as const)('%s that says another version than its name', async role => {
    const { repository, client } = await known()
    for (const each of all) {
      const other = (signed: JsonObject) => ({ ...signed, version: 7 })
      await repository.publishOne(each, each === role ? { body: other } : {})
    }
    expect(await client.outcome()).toBe('WrongVersion')
  })

  it.each(['snapshot', 'targets'] as const)('mix-and-match: %s with a hash that nobody named', async role => {
    const { repository, client } = await begin()
    repository.withHashes = true
    await repository.publish('targets', 'snapshot', 'timestamp')
    const file = `2.${role}.json`
    // Signed just as well, one space longer.
    const good = Buffer.from(repository.files.get(file) ?? [])
    repository.files.set(file, new Uint8Array(Buffer.concat([good, Buffer.from(' ')])))
    expect(await client.outcome()).toBe('WrongLength')
    expect(client.trusted()).not.toContain(`${role} 2`)
  })

  it('a cached snapshot whose hash the timestamp does not name is fetched again', async () => {
    const { repository, client } = await known()
    repository.withHashes = true
    repository.timestampMeta = { version: 1, hashes: { sha256: '0'.repeat(64) } }
    await repository.publish('timestamp')
    expect(await client.outcome()).toBe('WrongHash')
  })

  it('a snapshot in the place of the timestamp', async () => {
    const { repository, client } = await known()
    repository.moreKeyIds.snapshot = repository.roles.timestamp.keys.map(each => each.key.keyId)
    await repository.publish('root', 'snapshot')
    repository.files.set('timestamp.json', repository.files.get('2.snapshot.json') ?? new Uint8Array())
    expect(await client.outcome()).toBe('WrongType')
  })

  it.each(['timestamp.json', '2.snapshot.json', '2.targets.json'])('%s that is missing', async file => {
    const { repository, client } = await known()
    await repository.publish('targets', 'snapshot', 'timestamp')
    repository.files.delete(file)
    expect(await client.outcome()).toBe('Missing')
  })

  it('more bytes than a role may have, more depth, or no JSON', async () => {
    const { repository, client } = await known()
    const files = [new Uint8Array(16_385).fill(0x20), bytesOf('['.repeat(100)), bytesOf('{"signed":')]
    const outcomes: string[] = []
    for (const file of files) {
      repository.files.set('timestamp.json', file)
      outcomes.push(await client.outcome())
    }
    expect(outcomes).toEqual(['TooLarge', 'TooDeep', 'NotJson'])
  })
})

describe('targets of a repository', () => {
  const delegation = (name: string, keys: readonly KeyPair[], more: JsonObject): JsonObject => ({
    name,
    keyids: keys.map(each => each.key.keyId),
    threshold: 1,
    terminating: false,
    ...more
  })
  const keysOf = (keys: readonly KeyPair[]): JsonObject =>
    Object.fromEntries(keys.map(each => [each.key.keyId, toKeyJson(each.key)]))
  const target = (text: string): JsonObject => ({ length: text.length, hashes: { sha256: canonicalHash(text) } })

  /** `targets` delegates `a/*` to A and everything to B, which both know `a/one`. */
  async function delegating(more: JsonObject = {}): Promise<{ repository: ScriptedRepository; client: TestClient }> {
    const { repository, client } = await begin()
    const [a, b] = [[createKeyPair()], [createKeyPair()]]
    repository.delegations = {
      keys: keysOf([...a, ...b]),
      roles: [delegation('A', a, { paths: ['a/*'], ...more }), delegation('B', b, { paths: ['*', '?/*'] })]
    }
    await repository.publishDelegated('A', { targets: { 'a/one': target('from A'), 'b/one': target('x') } }, a)
    await repository.publishDelegated('B', { targets: { 'a/one': target('from B'), 'a/two': target('y') } }, b)
    await repository.publish('targets', 'snapshot', 'timestamp')
    return { repository, client }
  }

  it('are searched depth first, each role only for the paths that it is trusted with', async () => {
    const { repository, client } = await delegating()
    const find = async (path: string) => (await client.open().find(path))?.facts.byteLength
    expect(await find('a/one')).toBe('from A'.length)
    expect(await find('a/two')).toBe(1)
    repository.requests.length = 0
    expect(await find('b/one')).toBeUndefined()
    expect(await find('a/b/c')).toBeUndefined()
    expect(await find('A/one')).toBeUndefined()
    expect(repository.requests.filter(each => each.endsWith('A.json'))).toEqual([])
  })

  it('a terminating role ends the search for its paths', async () => {
    const { client } = await delegating({ terminating: true })
    expect(await client.open().find('a/two')).toBeUndefined()
  })

  it('are delegated by the beginnings of their hashes too', async () => {
    const { client } = await delegating()
    const { repository } = await delegating()
    const prefix = hashOf(bytesOf('a/one')).slice(0, 3)
    const keys = [createKeyPair()]
    const other = new TestClient(repository)
    repository.delegations = {
      keys: keysOf(keys),
      roles: [delegation('C', keys, { path_hash_prefixes: [prefix] })]
    }
    await repository.publishDelegated('C', { targets: { 'a/one': target('C'), 'a/two': target('C') } }, keys)
    await repository.publish('targets', 'snapshot', 'timestamp')
    expect((await other.open().find('a/one'))?.facts.byteLength).toBe(1)
    expect(await other.open().find('a/two')).toBeUndefined()
    expect(await client.outcome()).toBe('ok')
  })

  it('a role that was verified on one way to it has no authority on another', async () => {
    const { repository, client } = await begin()
    const [parentA, parentB, release, other] = Array.from({ length: 4 }, () => [createKeyPair()]) as [
      KeyPair[],
      KeyPair[],
      KeyPair[],
      KeyPair[]
    ]
    repository.delegations = {
      keys: keysOf([...parentA, ...parentB]),
      roles: [delegation('pa', parentA, { paths: ['a/*'] }), delegation('pb', parentB, { paths: ['b/*'] })]
    }
    const to = (keys: KeyPair[], path: string): JsonObject => ({
      targets: {},
      delegations: { keys: keysOf(keys), roles: [delegation('release', keys, { paths: [path] })] }
    })
    await repository.publishDelegated('pa', to(release, 'a/*'), parentA)
    await repository.publishDelegated('pb', to(other, 'b/*'), parentB)
    await repository.publishDelegated('release', { targets: { 'a/x': target('good'), 'b/x': target('bad') } }, release)
    await repository.publish('targets', 'snapshot', 'timestamp')
    const opened = client.open()
    expect((await opened.find('a/x'))?.facts.byteLength).toBe(4)
    await expect(opened.find('b/x')).rejects.toThrow('signed by 0 of the 1 keys')
  })

  it('a role that the snapshot does not name is not even asked for', async () => {
    const { repository, client } = await delegating()
    repository.snapshotMeta = { 'targets.json': repository.snapshotMeta['targets.json'] ?? null }
    await repository.publish('snapshot', 'timestamp')
    repository.requests.length = 0
    await expect(client.open().find('a/one')).rejects.toThrow('the snapshot does not name it')
    expect(repository.requests.some(each => each.includes('A'))).toBe(false)
  })

  it('are taken whole and unchanged, and only from a safe place', async () => {
    const { repository, client } = await begin()
    repository.addTarget('dir/file', bytesOf('content'))
    repository.addTarget('../../up', bytesOf('out'))
    await repository.publish('targets', 'snapshot', 'timestamp')
    const opened = client.open()
    const found = await opened.find('dir/file')
    if (found === undefined) throw new Error('not found')
    expect(Buffer.from(await opened.download(found)).toString()).toBe('content')
    const file = [...repository.files.keys()].find(each => each.startsWith('targets/dir/')) ?? ''
    for (const [content, flaw] of [
      ['Content', 'sha256'],
      ['content and more', '16 bytes instead of 7'],
      ['', '0 bytes instead of 7']
    ] as const) {
      repository.files.set(file, bytesOf(content))
      await expect(opened.download(found)).rejects.toThrow(flaw)
    }
    const out = await opened.find('../../up')
    if (out === undefined) throw new Error('not found')
    await expect(opened.download(out)).rejects.toThrow('no safe place')
  })

  it('whose hashes are all unknown are not taken', async () => {
    const { repository, client } = await begin()
    repository.targets = { file: { length: 3, hashes: { blake3: 'ab' } } }
    await repository.publish('targets', 'snapshot', 'timestamp')
    const opened = client.open()
    const found = await opened.find('file')
    if (found === undefined) throw new Error('not found')
    await expect(opened.download(found)).rejects.toThrow()
  })

  it('a delegated role cannot be called like one of the four', async () => {
    const { repository, client } = await begin()
    const keys = [createKeyPair()]
    repository.delegations = { keys: keysOf(keys), roles: [delegation('Timestamp', keys, { paths: ['*'] })] }
    await repository.publish('targets', 'snapshot', 'timestamp')
    expect(await client.outcome()).toBe('BadMetadata')
  })
})
