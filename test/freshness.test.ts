import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { loadKeystore, refreshTimestamp, type OnlineKeys } from '@instar/signer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { trustedBy } from './fixtures/forgeries.js'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
let plain: LocalPeer
let signer: LocalPeer
/** Only what a machine needs that is always on. */
let onlineKeys: string
beforeAll(async () => {
  network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
  ;[plain, signer] = (await network.startPeers(['plain', 'signer'])) as [LocalPeer, LocalPeer]
  onlineKeys = join(network.directory, 'online')
  await mkdir(onlineKeys, { mode: 0o700 })
  for (const name of await readdir(network.keysDirectory))
    if (/^(snapshot|timestamp)/.test(name)) await cp(join(network.keysDirectory, name), join(onlineKeys, name))
})
afterAll(() => network.stop())

const increment = async (peer: LocalPeer) =>
  (await peer.control.call({ method: 'increment', args: [], version: 1, timeoutMs: 20_000 })).result as number

/** A snapshot of its own, so that the timestamp that lives a week vouches for nothing any more. */
async function letGoStale(): Promise<void> {
  const trusted = await trustedBy(plain, (await plain.status()).network)
  const { documents } = await refreshTimestamp(trusted, await onlineSigners(), Date.now(), {
    snapshotMs: 20 * 365 * 86_400_000,
    timestampMs: 2000
  })
  const verdicts = await plain.control.submit({ documents })
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(['accept', 'accept'])
}

async function onlineSigners(): Promise<OnlineKeys> {
  const keystore = await loadKeystore(onlineKeys)
  return { snapshot: keystore.keysFor('snapshot')[0]!, timestamp: keystore.keysFor('timestamp')[0]! }
}

test('stale metadata are shown, keep an upgrade from starting and stop nothing that runs; a peer with online keys ends it by itself', async () => {
  await letGoStale()
  for (const peer of [plain, signer])
    await peer.until('says that its metadata are stale', ({ trust, problems }) => !trust.fresh && problems.length > 0)
  expect((await plain.status()).problems.join()).toMatch(/trust metadata are stale/)

  // As an author without online keys publishes: targets and descriptor, nothing that vouches for them.
  const folder = await network.buildUpgrade(plain, {
    command: 'patch',
    modules: [fixtureModule('counter-by-ten')],
    title: 'by ten'
  })
  const published = await runInstar([
    'upgrade',
    'publish',
    join(folder, 'proposal.json'),
    '--irreversible',
    '--data',
    plain.dataDirectory,
    '--wait',
    '0s'
  ])
  expect(published).toMatchObject({ code: 0, err: '' })
  for (const peer of [plain, signer]) await peer.until('knows version 2', ({ newest }) => newest === 2)
  const before = await increment(plain)
  await plain.until('says what version 2 waits for', ({ versions }) =>
    versions.some(({ version, reason }) => version === 2 && /stale/.test(reason ?? ''))
  )
  const why = await plain.control.why()
  expect(why.versions.find(({ version }) => version === 2)?.summary).toMatch(/trust metadata are stale/)
  expect(await increment(plain)).toBeGreaterThan(before)
  expect((await plain.status()).running.version).toBe(1)

  await signer.stop()
  await signer.start({ words: ['--online-keys', onlineKeys] })
  await plain.until('is fresh again, and upgrades', status => status.trust.fresh && status.running.version === 2)
  const { trust } = await signer.status()
  expect(trust.renewal).toMatchObject({ signer: 0, signers: 1 })
  expect(Date.parse(trust.renewal!.next!)).toBeGreaterThan(Date.now() + 3 * 86_400_000)
})

test.runIf(runsEverything)(
  'the audit log of a running peer and of a stopped one can be checked, and names the line that was changed',
  async () => {
    const verify = async (peer: LocalPeer) => runInstar(['log', 'verify', '--data', peer.dataDirectory, '--json'])
    const running = await verify(signer)
    expect(running).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(running.out)).toMatchObject({ whole: true, first: 1, tornBytes: 0 })
    await signer.kill()
    expect(await verify(signer)).toMatchObject({ code: 0, err: '' })
    const [name] = await readdir(join(signer.dataDirectory, 'audit'))
    const path = join(signer.dataDirectory, 'audit', name!)
    const text = await readFile(path, 'utf8')
    const events = text
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as { event: string; why?: string })
    expect(events.filter(({ event }) => event === 'signed').map(({ why }) => why)).toContain('join')
    const line = events.findIndex(({ event }) => event === 'signed')
    await writeFile(path, text.replace('"event":"signed"', '"event":"sigmed"'))
    const changed = await verify(signer)
    expect(changed.code).toBe(1)
    expect(changed.out).toContain(`${name}, line ${line + 1}`)
    // Lines that are gone from the very end are missed by the store.
    await writeFile(path, text.split('\n').slice(0, -2).join('\n') + '\n')
    expect((await verify(signer)).out).toMatch(/the log ends with line \d+, and the peer has written line \d+/)
    const shown = await runInstar(['log', '--audit', '-n', '3', '--data', signer.dataDirectory])
    expect(shown.out.trim().split('\n')).toHaveLength(3)
  }
)
