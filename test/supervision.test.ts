import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from '@instar/core'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

describe.runIf(runsEverything)('the host of a peer', () => {
  let network: LocalNetwork
  let peer: LocalPeer
  beforeAll(async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('meddler')] })
    peer = network.addPeer('first')
    await peer.start({ timing: { retryMinMs: 50, retryMaxMs: 500 } })
  })
  afterAll(() => network.stop())

  const call = async (method: string, ...args: Json[]): Promise<Json> =>
    (await peer.control.call({ method, args, timeoutMs: 30_000 })).result

  test('that is stopped when its peer is killed is ended at the next start, and its state goes on', async () => {
    expect(await call('add')).toBe(1)
    const { host } = await peer.until('has a host', status => status.host.pid !== undefined)
    process.kill(host.pid!, 'SIGSTOP')
    await peer.kill()
    expect(await readFile(`/proc/${host.pid}/stat`, 'utf8')).toMatch(/\) T /)

    await peer.start()
    expect(await call('add')).toBe(2)
    await expect(readFile(`/proc/${host.pid}/stat`)).rejects.toThrow('ENOENT')
    expect(await readFile(join(peer.dataDirectory, 'log'), 'utf8')).toContain('a host process of an earlier start')
  })

  test('reads what its user may, and where it is confined its own code and state only', async () => {
    const key = join(peer.dataDirectory, 'identity.key')
    expect(await call('look', '/etc/passwd')).toContain('root')
    for (const words of [['--confine-hosts'], []]) {
      await peer.stop()
      await peer.start({ words })
      for (const path of ['/etc/passwd', key, '/proc/self/environ'])
        expect(await call('look', path)).toBe('refused: ERR_ACCESS_DENIED')
      expect(await call('add')).toBeGreaterThan(2)
    }
    await peer.stop()
    await peer.start({ words: ['--no-confine-hosts'] })
    expect(await call('look', key)).not.toContain('refused')
  })

  test('that crashes again and again is parked where the policy says so, and starts at the word of the operator', async () => {
    const instar = async (...words: string[]) => runInstar([...words, '--data', peer.dataDirectory])
    expect(await instar('policy', 'set', 'park-after-crashes', '3')).toMatchObject({ code: 0 })
    for (let times = 0; times < 3; times++)
      await peer.control.call({ method: 'leave', args: [], timeoutMs: 2000 }).catch(() => undefined)
    await peer.until('is parked', status =>
      status.problems.some(each => each.includes('its host is parked after 3 crashes'))
    )

    const refused = await instar('call', 'add', '--timeout', '1s')
    expect(refused.err).toMatch(/host of Meddler is parked here until an operator lets it start again: .*\(Parked\)/)
    expect(refused.code).not.toBe(0)
    await peer.kill()
    await peer.start()
    expect((await peer.status()).host.pid).toBeUndefined()

    expect(await instar('status', '--check')).toMatchObject({ code: 1 })
    const folder = join(peer.dataDirectory, 'audit')
    const audit = await Promise.all((await readdir(folder)).map(async name => readFile(join(folder, name), 'utf8')))
    for (const event of ['policyChanged', 'parked']) expect(audit.join('')).toContain(`"event":"${event}"`)

    expect(await instar('peer', 'unpark')).toMatchObject({ code: 0 })
    expect(await call('add')).toBeGreaterThan(3)
    expect(await instar('peer', 'unpark')).toMatchObject({ code: 2 })
  })
})
