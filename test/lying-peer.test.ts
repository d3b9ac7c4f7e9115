// How a bundle spreads when those who have it lie, leave, or die. The code is large on purpose: it travels in many chunks.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeManifest, bundleId, type Manifest } from '@instar/core'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { createChannel, fromLibp2pStream } from '@instar/rpc'
import { readBundle } from '@instar/bundler'
import { afterEach, describe, expect, it } from 'vitest'
import { bundleFrameBytesMax, bundleProtocol } from '../packages/node/src/bundles/bundle-server.js'
import { startAttacker, type Attacker } from './fixtures/attacker.js'
import { modules } from './fixtures/faulty/modules.js'
import { trustedBy } from './fixtures/forgeries.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
const attackers: Attacker[] = []
afterEach(async () => {
  await Promise.all(attackers.splice(0).map(attacker => attacker.stop()))
  await network.stop()
})

/** Version 2 with ballast that no compression and no tree shaking takes out of it. */
async function writeLargeUpgrade(megabytes: number): Promise<string> {
  const folder = join(network.directory, 'large')
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'large.ts')
  const ballast = randomBytes(megabytes * 512 * 1024).toString('hex')
  await writeFile(
    path,
    `import colorSet from '${modules.colorSet}'\nconst ballast = '${ballast}'\n` +
      `export default { ...colorSet, ballast: ballast.length }\n`
  )
  return path
}

/** What lies in the folder of an upgrade that was built: the bundle of version 2. */
async function builtBundle(
  folder: string
): Promise<{ id: string; manifest: Manifest; files: ReadonlyMap<string, Uint8Array> }> {
  const [id] = await readdir(join(folder, 'bundles'))
  const { manifest, files } = await readBundle(join(folder, 'bundles', id!))
  expect(bundleId(manifest)).toBe(id)
  return { id: id!, manifest, files }
}

async function startPeers(names: readonly string[]): Promise<readonly LocalPeer[]> {
  network = await createLocalNetwork({ classes: [modules.intSet] })
  const peers = await network.startPeers(names)
  await Promise.all(
    peers.map(peer => peer.until('sees all', ({ peers: others }) => others.length === names.length - 1))
  )
  return peers
}

const runs2 = (peer: LocalPeer) => peer.until('runs version 2', ({ running }) => running.version === 2, 120_000)
const chunkNumber = (body: Uint8Array): number => Number(Buffer.from(body).toString().split(' ')[1])
const chunkBytes = 256 * 1024

describe('a bundle', () => {
  it.runIf(runsEverything)(
    'is fetched elsewhere when a peer gives other bytes, and the liar is named in the log',
    async () => {
      const [author, victim] = await startPeers(['author', 'victim'])
      const upgrade = { modules: [await writeLargeUpgrade(8)], stable: '0s' }
      const folder = await network.buildUpgrade(author!, upgrade)
      const { id, manifest, files } = await builtBundle(folder)
      const [file] = manifest.files
      const code = files.get(file!.path)!
      const trusted = await trustedBy(victim!, (await victim!.status()).network)
      let lies = 0
      const liar = await startAttacker({
        network: trusted.network,
        trusted,
        address: victim!.addresses[0]!,
        prepare: node =>
          node.handle(bundleProtocol, stream => {
            createChannel({
              transport: fromLibp2pStream(stream),
              limits: { frameBytesMax: bundleFrameBytesMax },
              onCall: async ({ method }, body) => {
                if (method === 'manifest') return encodeManifest(manifest)
                const from = chunkNumber(body) * chunkBytes
                const bytes = Uint8Array.from(code.subarray(from, from + chunkBytes))
                bytes[lies++ % bytes.length]! ^= 1
                return bytes
              }
            })
          })
      })
      attackers.push(liar)
      await network.publish(author!, folder)
      await Promise.all([runs2(author!), runs2(victim!)])
      expect(lies).toBeGreaterThan(0)
      const log = (await victim!.control.log(10_000)).join('\n')
      expect(log).toMatch(
        new RegExp(`${liar.id}.*not what the manifest says.*a peer sent bytes that are not the bundle`)
      )
      const stored = await readFile(join(victim!.dataDirectory, 'bundles', id, 'files', file!.path))
      expect(stored.equals(code)).toBe(true)
      expect((await victim!.status()).problems).toEqual([])
    }
  )

  it('reaches everyone although its publisher leaves right after publishing', async () => {
    const [author, first, second] = await startPeers(['author', 'first', 'second'])
    const folder = await network.buildUpgrade(author!, {
      modules: [await writeLargeUpgrade(4)],
      stable: '0s',
      probation: '0s'
    })
    const { id } = await builtBundle(folder)
    const heard = first!.until('has the bundle', ({ versions }) =>
      versions.some(({ version, phase }) => version === 2 && !['known', 'fetching'].includes(phase))
    )
    // Away until the publisher has left: it can have the bundle from the first only.
    await second!.stop()
    await network.publish(author!, folder)
    await heard
    await author!.stop()
    // Nobody who signed or published it is there any more.
    await second!.start()
    await second!.until('introduced it', ({ served, running }) => served?.[1] === 2 || running.version === 2, 120_000)
    for (const peer of [first!, second!]) await stat(join(peer.dataDirectory, 'bundles', id, 'manifest.json'))
    await author!.start()
    await Promise.all([author!, first!, second!].map(runs2))
  })

  it.runIf(runsEverything)('goes on where it was when the fetching peer is killed in the middle', async () => {
    const [author, victim] = await startPeers(['author', 'victim'])
    const folder = await network.buildUpgrade(author!, { modules: [await writeLargeUpgrade(48)], stable: '0s' })
    const { manifest } = await builtBundle(folder)
    const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
    const middle = new Promise<number>((resolve, fail) => {
      victim!
        .until('is in the middle', ({ versions }) => {
          const progress = versions.find(({ version }) => version === 2)?.progress
          if (progress?.stage !== 'bytes' || (progress.done ?? 0) === 0) return false
          resolve(progress.done ?? 0)
          return true
        })
        .catch(fail)
    })
    const published = network.publish(author!, folder)
    const fetched = await middle
    await victim!.kill()
    expect(fetched).toBeLessThan(total)
    await published
    const partial = join(victim!.dataDirectory, 'bundles', '.partial')
    expect(await readdir(partial)).toEqual([bundleId(manifest)])

    let least = Infinity
    const resumed = victim!.start().then(() =>
      victim!.until(
        'runs version 2',
        ({ versions, running }) => {
          const progress = versions.find(({ version }) => version === 2)?.progress
          if (progress?.stage === 'bytes' && progress.done !== undefined) least = Math.min(least, progress.done)
          return running.version === 2
        },
        120_000
      )
    )
    await Promise.all([resumed, runs2(author!)])
    // The first that is said after the restart is no less than what was there before.
    expect(least).toBeGreaterThanOrEqual(fetched)
  })
})
