import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Updater, type Fetcher } from 'tuf-js'
import { DownloadHTTPError, DownloadLengthMismatchError } from 'tuf-js/dist/error.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import { toKeyJson } from '../src/keys/public-key.js'
import { canonicalHash, hashOf, type JsonObject } from '../src/metadata/canonical.js'
import { emptyTrust, headsOf, trust, type KeyPair, type TrustState } from '../src/index.js'
import { ScriptedRepository, startMs, TestClient, topRoles } from './repository-kit.js'
import { anySteps, honestSteps, keyPool, runStep } from './repository-steps.js'

// The oracle is tuf-js, the client with which npm verifies provenance. It reads the clock, so the clock is set; nothing else is done to it.
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-oracle-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: startMs })
})
afterEach(() => {
  vi.useRealTimers()
})

class Oracle {
  private static made = 0
  private readonly metadataDir = join(directory, String(Oracle.made++))

  constructor(private readonly repository: ScriptedRepository) {}

  async begin(): Promise<void> {
    await mkdir(this.metadataDir)
    await writeFile(join(this.metadataDir, 'root.json'), this.repository.files.get('1.root.json') ?? '')
  }

  async refresh(): Promise<string> {
    vi.setSystemTime(this.repository.nowMs)
    const downloadBytes = async (url: string, bytesMax: number) => {
      const bytes = this.repository.serve(url.replace('memory://', ''))
      if (bytes === undefined) throw new DownloadHTTPError('not found', 404)
      if (bytes.byteLength > bytesMax) throw new DownloadLengthMismatchError('too long')
      return Buffer.from(bytes)
    }
    const fetcher = { downloadBytes } as unknown as Fetcher
    try {
      await new Updater({ metadataDir: this.metadataDir, metadataBaseUrl: 'memory://', fetcher }).refresh()
      return 'ok'
    } catch (thrown) {
      return String(thrown)
    }
  }

  stored(role: string): Promise<Buffer | undefined> {
    return readFile(join(this.metadataDir, `${role}.json`)).catch(() => undefined)
  }

  /** tuf-js goes on with the snapshot that it has when the timestamp names another hash for its number; we fetch it again (§5). */
  async keepsAnotherSnapshot(): Promise<boolean> {
    const [timestamp, snapshot] = [await this.stored('timestamp'), await this.stored('snapshot')]
    if (timestamp === undefined || snapshot === undefined) return false
    const { signed } = JSON.parse(timestamp.toString('utf8')) as {
      signed: { meta: { 'snapshot.json': { version: number; length?: number; hashes?: { sha256: string } } } }
    }
    const { version, length, hashes } = signed.meta['snapshot.json']
    const held = (JSON.parse(snapshot.toString('utf8')) as { signed: { version: number } }).signed.version
    const other =
      (length ?? snapshot.byteLength) !== snapshot.byteLength ||
      (hashes?.sha256 ?? hashOf(snapshot)) !== hashOf(snapshot)
    return held === version && other
  }
}

async function begin(): Promise<{ repository: ScriptedRepository; client: TestClient; oracle: Oracle }> {
  let next = 0
  const repository = await ScriptedRepository.create(() => keyPool[next++] as KeyPair)
  const oracle = new Oracle(repository)
  await oracle.begin()
  return { repository, client: new TestClient(repository), oracle }
}

/** In whatever order they come: what needs a newer root is asked for again, as sync does. */
function feedAll(state: TrustState, { files, nowMs }: ScriptedRepository): TrustState {
  for (let before: TrustState | undefined; before !== state;) {
    before = state
    for (const document of files.values()) state = trust(state, document, nowMs).state
  }
  return state
}

describe('our reading of a repository beside that of tuf-js', () => {
  it('gives the same verdict and trusts the same bytes, whatever its writer does', async () => {
    const counts = { refreshes: 0, refused: 0, explained: 0 }
    await fc.assert(
      fc.asyncProperty(anySteps, async steps => {
        const { repository, client, oracle } = await begin()
        for (const step of [...steps, { do: 'refresh' as const }]) {
          await runStep(repository, step)
          if (step.do !== 'refresh') continue
          const [theirs, ours] = [await oracle.refresh(), await client.outcome()]
          counts.refreshes++
          if (await oracle.keepsAnotherSnapshot()) {
            counts.explained++
            return
          }
          if (theirs !== 'ok') counts.refused++
          expect({ ours: ours === 'ok', code: ours }, theirs).toMatchObject({ ours: theirs === 'ok' })
          for (const role of topRoles) {
            const [held, mine] = [await oracle.stored(role), client.stored.get(`${role}.json`)]
            expect(mine && hashOf(mine), `${role} after ${theirs} / ${ours}`).toBe(held && hashOf(held))
          }
        }
      }),
      { numRuns: propertyRuns(100) }
    )
    if (process.env['INSTAR_COUNT'] === '1') console.log(counts)
    // Otherwise the walks would say nothing.
    expect(counts.refused).toBeGreaterThan(counts.refreshes / 10)
    expect(counts.refused).toBeLessThan(counts.refreshes * 0.9)
    expect(counts.explained).toBeLessThan(counts.refreshes / 10)
  })

  it('ends where the registers of gossip end, as long as the writer is honest', async () => {
    await fc.assert(
      fc.asyncProperty(honestSteps, async steps => {
        const { repository, client, oracle } = await begin()
        const root = JSON.parse(Buffer.from(repository.files.get('1.root.json') ?? '').toString('utf8')) as {
          signed: JsonObject
        }
        let state = emptyTrust(canonicalHash(root.signed))
        for (const step of [...steps, { do: 'refresh' as const }]) {
          await runStep(repository, step)
          state = feedAll(state, repository)
          if (step.do !== 'refresh') continue
          const [theirs, ours] = [await oracle.refresh(), await client.outcome()]
          expect(ours === 'ok', `${theirs} / ${ours}`).toBe(theirs === 'ok')
          if (ours !== 'ok') continue
          const { root: r, timestamp, snapshot, targets } = headsOf(state)
          const heads = { root: r, timestamp, snapshot, targets }
          const registers = topRoles.map(role => `${role} ${heads[role]?.version ?? 0}`).join(', ')
          expect(registers).toBe(client.trusted())
        }
      }),
      { numRuns: propertyRuns(25) }
    )
  })
})

describe('where tuf-js and we differ, and why', () => {
  it('it counts one key under two ids twice; we count keys', async () => {
    const { repository, client, oracle } = await begin()
    const [pair] = repository.roles.timestamp.keys as [KeyPair]
    repository.moreKeys['again'] = toKeyJson(pair.key)
    repository.moreKeyIds.timestamp = ['again']
    repository.roles.timestamp.threshold = 2
    await repository.publish('root')
    const again = { ...pair, key: { ...pair.key, keyId: 'again' } }
    await repository.publishOne('timestamp', { signers: [pair, again] })
    expect([await oracle.refresh(), await client.outcome()]).toEqual(['ok', 'ThresholdNotMet'])
  })

  it('it goes on with a cached snapshot whose hash the timestamp does not name; we fetch the named one', async () => {
    const { repository, client, oracle } = await begin()
    expect([await oracle.refresh(), await client.outcome()]).toEqual(['ok', 'ok'])
    repository.timestampMeta = { version: 1, hashes: { sha256: '0'.repeat(64) } }
    await repository.publish('timestamp')
    expect([await oracle.refresh(), await client.outcome()]).toEqual(['ok', 'WrongHash'])
  })
})
