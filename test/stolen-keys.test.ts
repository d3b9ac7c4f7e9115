// Chapters of docs/runbooks.md at real peers: a thief drives numbers up, the steps are run, and everyone is well again.
import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { authorizedKeys, haltsOf, loadKeystore, type MetadataRole, type TrustState } from '@instar/signer'
import { afterEach, describe, expect, it } from 'vitest'
import { signDocument } from '../packages/signer/src/authoring/bodies.js'
import { trustedBy } from './fixtures/forgeries.js'
import { intSetModule } from './fixtures/modules.js'
import { chaptersOf, runStep } from './fixtures/runbook.js'
import { runsEverything } from './fixtures/selection.js'

const chapters = chaptersOf(await readFile(new URL('../docs/runbooks.md', import.meta.url), 'utf8'))
const timeoutMs = 180_000

let network: LocalNetwork
afterEach(() => network.stop())

/** Two peers of a network whose keys several people hold. */
async function start(): Promise<readonly [LocalPeer, LocalPeer]> {
  network = await createLocalNetwork({ classes: [intSetModule(1)] })
  const [one, two] = (await network.startPeers(['one', 'two'])) as [LocalPeer, LocalPeer]
  await Promise.all([one, two].map(peer => peer.until('sees the other', ({ peers }) => peers.length === 1)))
  const own = await loadKeystore(network.keysDirectory)
  const idOf = (role: MetadataRole) => own.keysFor(role)[0]!.key.keyId
  await run(one, 'From one key to several', { ROOT: idOf('root'), AUTHOR: idOf('targets') })
  // Who founded the network keeps these keys, in places of their own.
  for (const place of ['online', 'oncall', 'door'])
    await cp(network.keysDirectory, join(network.directory, place), { recursive: true })
  return [one, two]
}

async function run(at: LocalPeer, title: string, names: Readonly<Record<string, string>>): Promise<void> {
  const steps = chapters.find(each => each.title === title)?.steps ?? []
  expect(steps.length).toBeGreaterThan(0)
  const shell = {
    folder: network.directory,
    env: { ...names, INSTAR_DATA: at.dataDirectory },
    more: (step: string) => (step.includes('keys create') ? ['--no-passphrase'] : [])
  }
  for (const step of steps) {
    const { code, out, err } = await runStep(step, shell)
    expect({ step, code, err }, out).toEqual({ step, code: 0, err: '' })
  }
}

const stateOf = async (peer: LocalPeer): Promise<TrustState> => trustedBy(peer, (await peer.status()).network)

/** Signs the highest number there is with stolen keys, and has both peers believe it. Returns the id of the first key. */
async function driveUp(
  peers: readonly LocalPeer[],
  role: Exclude<MetadataRole, 'root'>,
  from: readonly string[]
): Promise<string> {
  const held = (await stateOf(peers[0]!))[role]!
  const keystores = await Promise.all(from.map(name => loadKeystore(join(network.directory, name))))
  const authorized = authorizedKeys(await stateOf(peers[0]!), role)
  const signers = keystores.flatMap(each => each.keysFor(role).filter(({ key }) => authorized.includes(key.keyId)))
  const expires = new Date(Date.now() + 400 * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z')
  const document = await signDocument({ ...held.signed, version: Number.MAX_SAFE_INTEGER, expires }, signers)
  for (const peer of peers) {
    const [verdict] = await peer.control.submit({ documents: [document] })
    expect([verdict?.verdict, verdict?.code]).toBeOneOf([
      ['accept', undefined],
      ['ignore', 'Known']
    ])
  }
  return signers[0]!.key.keyId
}

/** Everyone trusts the same, nobody the stolen key; trust is fresh, the object serves, and a restart changes nothing. */
async function expectWell(peers: readonly LocalPeer[], role: MetadataRole, stolen: string): Promise<void> {
  for (const peer of peers) {
    const status = await peer.until('is fresh', ({ trust }) => trust.fresh && trust.root > 1)
    expect(status).toMatchObject({ newest: 1, running: { version: 1 }, trust: { forks: [] } })
    const state = await stateOf(peer)
    expect(authorizedKeys(state, role)).not.toContain(stolen)
    expect(state[role === 'root' ? 'targets' : role]?.version ?? 0).toBeLessThan(2 ** 52)
    await peer.control.call({ method: 'insert', args: [7], timeoutMs: 20_000 })
  }
}

it.runIf(runsEverything)(
  'a version is halted and resumed by somebody without online keys: a peer that holds some joins it',
  { timeout: timeoutMs },
  async () => {
    const [one, two] = await start()
    for (const role of ['root', 'targets', 'halt', 'admission'])
      await removeKeys(join(network.directory, 'online'), role)
    for (const role of ['root', 'targets', 'snapshot', 'timestamp', 'admission'])
      await removeKeys(join(network.directory, 'oncall'), role)
    await two.stop()
    await two.start({ words: ['--online-keys', join(network.directory, 'online')] })
    await two.until('sees the other', ({ peers }) => peers.some(peer => peer.connected))
    const shell = { folder: network.directory, env: { INSTAR_DATA: one.dataDirectory }, more: () => [] }
    const order = (word: string) => runStep(`instar ${word} 1 --reason "a drill" --keys ./oncall --wait 60s`, shell)
    for (const word of ['halt', 'resume']) {
      const { code, out, err } = await order(word)
      expect({ code, err }, out).toEqual({ code: 0, err: '' })
      expect(out).toContain('1 of 1 connected peers have it.')
      expect(out).toContain('Trust is fresh until')
      for (const peer of [one, two]) expect(haltsOf(await stateOf(peer)).get(1)?.order).toBe(word)
    }
  }
)

async function removeKeys(keystore: string, role: string): Promise<void> {
  for (const name of await readdir(keystore)) if (name.startsWith(`${role}-`)) await rm(join(keystore, name))
}

describe('a stolen key, at real peers', () => {
  it('of timestamp is recovered, fast-forward included', { timeout: timeoutMs }, async () => {
    const peers = await start()
    const STOLEN = await driveUp(peers, 'timestamp', ['online'])
    await run(peers[1], 'A timestamp key is stolen', { STOLEN })
    await expectWell(peers, 'timestamp', STOLEN)
  })

  it.runIf(runsEverything)('of snapshot is recovered, fast-forward included', { timeout: timeoutMs }, async () => {
    const peers = await start()
    const STOLEN = await driveUp(peers, 'snapshot', ['online'])
    await run(peers[0], 'A snapshot key is stolen', { STOLEN })
    await expectWell(peers, 'snapshot', STOLEN)
  })

  it.runIf(runsEverything)(
    'of two authors is recovered, fast-forward included, and outlives a restart in between',
    { timeout: timeoutMs },
    async () => {
      const peers = await start()
      const STOLEN = await driveUp(peers, 'targets', ['alice', 'carol'])
      const [STOLEN_TOO] = authorizedKeys(await stateOf(peers[0]), 'targets').filter(each => each !== STOLEN)
      await run(peers[0], "An author's key is stolen", { STOLEN })
      expect(STOLEN_TOO).toBeDefined()
      await expectWell(peers, 'targets', STOLEN)
      await peers[1].kill()
      await peers[1].start()
      await expectWell(peers, 'targets', STOLEN)
    }
  )

  it.runIf(runsEverything).each([
    ['halt', 'A halt key is stolen', ['oncall']],
    ['admission', 'An admission key is stolen', ['door']]
  ] as const)('of %s is recovered, fast-forward included', { timeout: timeoutMs }, async (role, title, from) => {
    const peers = await start()
    if (role === 'halt') {
      const halting = ['halt', '1', '--reason', '"a drill"', '--keys', './oncall'].join(' ')
      const shell = { folder: network.directory, env: { INSTAR_DATA: peers[0].dataDirectory }, more: () => [] }
      expect(await runStep(`instar ${halting}`, shell)).toMatchObject({ code: 0 })
    }
    const STOLEN = await driveUp(peers, role, from)
    await run(peers[0], title, { STOLEN })
    await expectWell(peers, role, STOLEN)
  })

  it.runIf(runsEverything)('of root, below the threshold, is replaced', { timeout: timeoutMs }, async () => {
    const peers = await start()
    const carol = await loadKeystore(join(network.directory, 'carol'))
    const STOLEN = carol.keysFor('root')[0]!.key.keyId
    await run(peers[0], 'A root key below the threshold is stolen', { STOLEN })
    await expectWell(peers, 'root', STOLEN)
  })
})
