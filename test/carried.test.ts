import { join } from 'node:path'
import { createLocalNetwork, runInstar, type LocalNetwork } from '@instar/local-network'
import { afterEach, expect, test } from 'vitest'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
afterEach(() => network.stop())

test.runIf(runsEverything)(
  'who is cut off gets an upgrade by hand, and upgrades: stopped from a file, running from a mirror',
  async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
    const [one, two, three] = await network.startPeers(['one', 'two', 'three'])
    for (const peer of [two!, three!]) {
      await peer.until('has joined', status => status.joined)
      await peer.stop()
    }
    await network.upgrade(one!, { command: 'patch', modules: [fixtureModule('counter-by-ten')] })
    await one!.until('serves version 2', status => status.served?.[1] === 2)
    const [file, mirror] = [join(network.directory, 'network.instar'), join(network.directory, 'mirror')]
    expect(await instar('bundle', 'export', file, '--from', '2', '--data', one!.dataDirectory)).toMatchObject({
      descriptors: 1
    })
    expect(await instar('mirror', 'export', mirror, '--bundles', '--data', one!.dataDirectory)).toMatchObject({
      kept: 0,
      missingBundles: []
    })
    await one!.stop()

    const importing = ['bundle', 'import', file, '--data', two!.dataDirectory]
    expect(await instar(...importing, '--dry-run')).toMatchObject({ unused: 0, bundles: [expect.any(String)] })
    expect(await instar(...importing)).toMatchObject({ unused: 0, bundles: [expect.any(String)] })
    await two!.start()
    await two!.until('serves version 2', status => status.served?.[1] === 2)
    expect(await instar(...importing)).toMatchObject({ documents: 0, bundles: [] })
    await two!.stop()

    await three!.start()
    expect((await three!.status()).newest).toBe(1)
    expect(await instar('mirror', 'import', mirror, '--bundles', '--data', three!.dataDirectory)).toMatchObject({
      unused: 0,
      bundles: [expect.any(String)]
    })
    await three!.until('serves version 2', status => status.served?.[1] === 2)
  }
)

test('a network is carried from and to a peer that runs and one that does not', async () => {
  network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
  const [one] = await network.startPeers(['one'])
  const data = ['--data', one!.dataDirectory]
  const [file, mirror] = [join(network.directory, 'network.instar'), join(network.directory, 'mirror')]
  for (const running of [true, false]) {
    if (!running) await one!.stop()
    expect(await instar('bundle', 'export', file, ...data)).toMatchObject({ from: 1, to: 1, missingBundles: [] })
    expect(await instar('mirror', 'export', mirror, '--bundles', ...data)).toMatchObject({
      bundles: [expect.any(String)]
    })
    expect(await instar('bundle', 'import', file, ...data)).toMatchObject({ documents: 0, unused: 0 })
    expect(await instar('mirror', 'import', mirror, '--bundles', ...data)).toMatchObject({ documents: 0, unused: 0 })
  }
})

/** What the command printed last. */
async function instar(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await runInstar([...args, '--json'])
  expect(code, err).toBe(0)
  return JSON.parse(out.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
}
