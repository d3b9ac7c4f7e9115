import { mkdir, readdir, readFile, watch } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { counter } from './fixtures/counter.js'
import { fixtureModule } from './fixtures/modules.js'

let network: LocalNetwork
let peer: LocalPeer
beforeAll(async () => {
  network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
  peer = network.addPeer('first')
  await peer.start({ ownGroup: true })
})
afterAll(() => network.stop())

const loopback = '/ip4/127.0.0.1/tcp/0'

/** The process of the peer is the same, and its object answers over network and control API; gives its new value. */
async function expectServing(pid: number | undefined): Promise<number> {
  expect(peer.pid).toBe(pid)
  const client = await network.client()
  const value = await client.object(counter, peer.id, { version: 1, deadlineMs: 60_000 }).increment()
  await expectValue(value)
  return value
}

async function expectValue(value: number): Promise<void> {
  expect(await peer.control.call({ method: 'value', args: [], timeoutMs: 60_000 })).toMatchObject({ result: value })
}

test('two processes never open one data directory: the second says who has it, the first goes on', async () => {
  const { pid } = peer
  const before = await readdir(peer.dataDirectory)
  const taken = `instar: The data directory ${peer.dataDirectory} is in use by process ${pid}: stop that peer first, or give this one a directory of its own. (DataDirectoryInUse)\n`
  const onSame = ['--data', peer.dataDirectory, '--listen', loopback]
  for (const words of [
    ['peer', 'start'],
    ['join', await network.ticket()]
  ]) {
    expect(await runInstar([...words, ...onSame])).toEqual({ code: 1, out: '', err: taken })
    await expectServing(pid)
  }
  expect((await readdir(peer.dataDirectory)).sort()).toEqual(before.sort())
})

test('a data directory whose process was killed is free again', async () => {
  const value = await expectServing(peer.pid)
  await peer.kill()
  await peer.start({ ownGroup: true })
  await expectValue(value)
})

test('a port in use is named, and the data directory is free for another try', async () => {
  const address = peer.addresses[0]!.replace(/\/p2p\/.*/, '')
  const data = join(network.directory, 'second')
  const ran = await runInstar(['join', await network.ticket(), '--data', data, '--listen', address])
  expect(ran).toMatchObject({ code: 1, out: '' })
  expect(ran.err).toMatch(/^instar: .*\(PortInUse\)\n$/)
  expect(ran.err).toContain(address)
  await expectServing(peer.pid)

  const again = await runInstar(['peer', 'start', '--data', data, '--listen', address])
  expect(again.err).toBe(ran.err)
})

test('Ctrl-C stops a peer cleanly, with its host, and it goes on where it was', async () => {
  const value = await expectServing(peer.pid)
  const { host } = await peer.until('has a host', status => status.host.pid !== undefined)
  const group = peer.pid!
  expect(isAlive(host.pid!)).toBe(true)

  // As a terminal does it: to every process of the group.
  process.kill(-group, 'SIGINT')
  await peer.ended()
  expect(peer.lastEnd).toEqual({ code: 0, signal: null })
  expect(peer.output.map(line => JSON.parse(line) as unknown).at(-1)).toEqual({ stopped: true })
  expect(isAlive(host.pid!)).toBe(false)
  expect(isAlive(-group), 'some process is left').toBe(false)
  expect(await readdir(peer.dataDirectory)).not.toContain('control.sock')

  await peer.start({ ownGroup: true })
  await expectValue(value)
  expect((await peer.status()).problems).toEqual([])
})

test('Ctrl-C while a peer starts stops it as cleanly', async () => {
  const starting = network.addPeer('starting')
  const log = join(starting.dataDirectory, 'log')
  await mkdir(starting.dataDirectory, { mode: 0o700 })
  const changes = watch(starting.dataDirectory)
  const started = starting.start({ ownGroup: true }).catch((thrown: unknown) => thrown)
  // It listens, and does not serve yet.
  for await (const { filename } of changes) {
    if (filename === 'log' && (await readFile(log, 'utf8')).includes('"listening"')) break
  }
  const group = starting.pid!
  process.kill(-group, 'SIGINT')
  await starting.ended()
  await started
  expect(starting.lastEnd).toEqual({ code: 0, signal: null })
  expect(isAlive(-group), 'some process is left').toBe(false)
})

/** @param pid - negative: any process of the group */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw thrown
  }
}
