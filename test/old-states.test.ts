// §8: what an operator can bring back after the commit, with a real peer, and what it costs.

import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, test } from 'vitest'
import { counter } from './fixtures/counter.js'
import { namedCounter } from './fixtures/counter-by-name.js'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
afterEach(() => network.stop())

async function instar(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await runInstar(words)
  expect(code, `${words.join(' ')}: ${err}${out}`).toBe(0)
  return out
}

/** A client of its own for each start: alone in its network, a peer that comes back at another port is found by its new ticket only. */
async function objectsAt({ id }: LocalPeer) {
  const client = await network.client()
  return {
    at1: client.object(counter, id, { version: 1, deadlineMs: 30_000 }),
    at2: client.object(namedCounter, id, { version: 2, deadlineMs: 30_000 })
  }
}

describe.runIf(runsEverything)('peer restore', () => {
  test('gives the state of before back after the commit, says what is lost, and can be taken back', async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
    const peer = network.addPeer('peer')
    await peer.start()
    const before = await objectsAt(peer)
    for (let i = 0; i < 3; i++) await before.at1.increment()
    await network.upgrade(peer, {
      ...{ modules: [fixtureModule('counter-by-name')], back: 'copy', stable: '0s', retireAfter: '1h' }
    })
    await peer.until('has committed', ({ running, versions }) => {
      const phase = versions.find(each => each.version === 2)?.phase
      return running.version === 2 && phase === 'committed'
    })
    expect(await before.at2.increment()).toBe(4)

    const at = ['--data', peer.dataDirectory]
    await peer.stop()
    const look = await instar('peer', 'restore', ...at)
    expect(look).toMatch(/version 1 as it was at .*\n.*acknowledged since .* would be LOST/)
    const offered = JSON.parse(await instar('peer', 'restore', '1', '--dry-run', '--json', ...at)) as object
    expect(offered).toMatchObject({ running: 2, version: 1, restored: false })
    expect(await instar('peer', 'restore', '1', '--yes', ...at)).toContain('instar peer restore 2 takes this back')
    await peer.start()
    expect((await peer.status()).running.version).toBe(1)
    const { at1 } = await objectsAt(peer)
    expect(await at1.value()).toBe(3)
    expect(await at1.increment()).toBe(4)
    expect(await at1.increment()).toBe(5)
    // Held: what has just been taken back does not come again by itself.
    await peer.until('waits, held', ({ versions }) => versions.some(each => /held|hold/.test(each.reason ?? '')))

    await peer.stop()
    await instar('peer', 'restore', '2', '--yes', ...at)
    await peer.start()
    const again = await objectsAt(peer)
    expect(await again.at2.value()).toBe(4)
    const audit = join(peer.dataDirectory, 'audit')
    const lines = await Promise.all((await readdir(audit)).map(name => readFile(join(audit, name), 'utf8')))
    expect(lines.join('').match(/"event":"restored"/g)).toHaveLength(2)
    expect(await instar('why', ...at)).toContain('Its operator holds every version that will come')

    expect(await instar('gc', ...at)).toMatch(
      /^There is nothing to remove\.\nKept:\n {2}2 bundles, .*\n {2}state of version 1, left at .*until/
    )
    await instar('policy', 'set', 'old-states', '0s', '1GiB', ...at)
    const gone = /state of version 1, left at .*the policy keeps old states for/
    expect(await instar('gc', '--dry-run', ...at)).toMatch(gone)
    expect(await instar('gc', ...at)).toMatch(gone)
    expect(await instar('gc', ...at)).toMatch(/^There is nothing to remove\./)
    expect(await again.at2.value()).toBe(4)
  })
})
