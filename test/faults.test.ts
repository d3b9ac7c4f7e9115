import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '@instar/client'
import { encodeTicket, parseTicket } from '@instar/core'
import { colorSet, intSet } from '@instar/examples'
import {
  createLocalNetwork,
  runInstar,
  type LocalNetwork,
  type LocalPeer,
  type PublishInit,
  type StartOptions
} from '@instar/local-network'
import { afterEach, describe, expect, it } from 'vitest'
import { modules } from './fixtures/faulty/modules.js'
import { killNow } from './fixtures/processes.js'
import { runsEverything } from './fixtures/selection.js'
import { canMount, mountSmallDisk, type SmallDisk } from './fixtures/small-disk.js'

const planted = { NODE_ENV: 'planted' }
const impatient = { retryMinMs: 200, retryMaxMs: 1000, upgradeAttemptsMax: 3 }
const patienceMs = 90_000

let networks: LocalNetwork[] = []
afterEach(async () => {
  await Promise.all(networks.map(network => network.stop()))
  networks = []
})

async function startNetwork(options?: StartOptions): Promise<{ network: LocalNetwork; peer: LocalPeer }> {
  const network = await createLocalNetwork({ classes: [modules.intSet] })
  networks.push(network)
  const [peer] = await network.startPeers(['peer'], options)
  await peer!.until('serves', status => status.served !== undefined)
  return { network, peer: peer! }
}

async function publish(network: LocalNetwork, peer: LocalPeer, module: string, more: Partial<PublishInit> = {}) {
  await network.upgrade(peer, { modules: [module], stable: '0s', ...more })
}

async function untilPhase(peer: LocalPeer, phase: string, version = 2) {
  return peer.until(
    `version ${version} is ${phase}`,
    ({ versions }) => versions.some(each => each.version === version && each.phase === phase),
    patienceMs
  )
}

const insert = (peer: LocalPeer, element: number) =>
  peer.control.call({ method: 'insert', args: [element], version: 1, timeoutMs: 20_000 })
const contains = async (peer: LocalPeer, element: number, version = 1) =>
  (await peer.control.call({ method: 'contains', args: [element], version, timeoutMs: 20_000 })).result

/** One clear sentence in each of the three places where somebody may look. */
async function expectTold(peer: LocalPeer, sentence: RegExp): Promise<void> {
  const { problems } = await peer.status()
  expect(problems.filter(each => sentence.test(each))).toHaveLength(1)
  expect((await peer.control.why()).versions.map(each => each.summary).join('\n')).toMatch(sentence)
  expect((await peer.control.log(1000)).join('\n')).toMatch(sentence)
  for (const problem of problems) expect(problem).not.toMatch(/\n|^ +at /)
}

/** A command or a peer that ends with one sentence for people: no stack, no second line. */
async function expectRefused(args: readonly string[], sentence: RegExp): Promise<void> {
  const { code, err } = await runInstar(args)
  expect(err).toMatch(sentence)
  expect(err.trim().split('\n')).toHaveLength(1)
  expect(code).toBeGreaterThan(0)
}

describe('what is wrong at the start', () => {
  it.runIf(runsEverything)('is said in one sentence, and the peer comes back as it was when it is mended', async () => {
    const { network, peer } = await startNetwork()
    await insert(peer, 1)
    const data = peer.dataDirectory
    const port = /tcp\/(\d+)/.exec(peer.addresses[0] ?? '')?.[1] ?? ''
    const ticket = await network.ticket()
    const other = await startNetwork()

    await expectRefused(['peer', 'start', '--data', data], /DataDirectoryInUse|another process|in use/i)
    await expectRefused(
      ['peer', 'start', '--data', other.peer.dataDirectory, '--listen', `/ip4/127.0.0.1/tcp/${port}`],
      /in use|listens on|another process/i
    )
    await peer.stop()

    // Two characters exchanged, and one letter lost: neither is a ticket of anything.
    const damaged = [ticket.slice(0, 20) + ticket[21]! + ticket[20]! + ticket.slice(22), ticket.slice(0, -1)]
    for (const text of damaged) await expectRefused(['join', text, '--data', join(network.directory, 'new')], /ticket/i)
    await expectRefused(
      ['join', await other.network.ticket(), '--data', data],
      /belongs to network .* another directory/
    )

    await other.peer.stop()
    await peer.start()
    const held = /tcp\/(\d+)/.exec(peer.addresses[0] ?? '')?.[1] ?? ''
    await expectRefused(
      ['peer', 'start', '--data', other.peer.dataDirectory, '--listen', `/ip4/127.0.0.1/tcp/${held}`],
      /listens on .* already/
    )
    await peer.stop()

    const config = join(data, 'config.json')
    const good = await readFile(config, 'utf8')
    for (const [bad, why] of [
      ['{ "format": 1,', /config\.json is not JSON/],
      ['{ "format": 1, "lissten": [] }', /config\.json is not a peer's configuration: .*lissten/],
      ['{ "timing": { "drainMs": -1 } }', /config\.json is not a peer's configuration: timing\.drainMs/]
    ] as const) {
      await writeFile(config, bad)
      await expectRefused(['peer', 'start', '--data', data], why)
    }
    await writeFile(config, good)
    await peer.start()
    expect(await contains(peer, 1)).toBe(true)
  })

  it('connects nobody where the addresses of a ticket lead to another network, and troubles no peer there', async () => {
    const { network, peer } = await startNetwork()
    const { addresses } = parseTicket(await network.ticket())
    const elsewhere = encodeTicket({ network: 'ab'.repeat(32), addresses })
    await expect(connect({ ticket: elsewhere })).rejects.toMatchObject({
      code: expect.stringMatching(/^(WrongNetwork|Unreachable)$/) as string,
      message: expect.stringMatching(/^[^\n]+$/) as string
    })
    expect((await peer.status()).problems).toEqual([])
  })
})

describe('a bundle', () => {
  it.runIf(runsEverything)(
    'that throws on import is never introduced, and is tried again on the operator’s word',
    async () => {
      const { network, peer } = await startNetwork({ env: planted })
      await insert(peer, 1)
      await publish(network, peer, modules.throwsOnImport)
      const status = await untilPhase(peer, 'introduceFailed')
      expect(status).toMatchObject({ running: { version: 1 }, served: [1, 1], host: { restarts: 0 } })
      await expectTold(peer, /planted: this module cannot be imported/)
      expect(await contains(peer, 1)).toBe(true)

      await peer.stop()
      await peer.start()
      await untilPhase(peer, 'introduceFailed')
      await expectTold(peer, /planted: this module cannot be imported/)
      const { code } = await runInstar(['upgrade', 'resume', '2', '--data', peer.dataDirectory])
      expect(code).toBe(0)
      await peer.until('runs version 2', ({ running }) => running.version === 2, patienceMs)
      expect((await peer.status()).problems).toEqual([])
      expect(await contains(peer, 1, 2)).toBe(true)
    }
  )

  it.runIf(runsEverything)('whose import never ends is given up, while the old version answers', async () => {
    const { network, peer } = await startNetwork({ env: planted, timing: { ...impatient, loadMs: 5000 } })
    await publish(network, peer, modules.importNeverEnds)
    const failed = untilPhase(peer, 'introduceFailed')
    for (let element = 0; element < 50; element++) await insert(peer, element)
    const status = await failed
    expect(status).toMatchObject({ running: { version: 1 }, served: [1, 1], host: { restarts: 0 } })
    await expectTold(peer, /5000 ms|5 s|not loaded|did not load/)
    for (let element = 0; element < 50; element++) expect(await contains(peer, element)).toBe(true)
  })
})

describe('a transform', () => {
  it.runIf(runsEverything)(
    'that throws is tried again with pauses, then left until somebody says so; the old state is as it was',
    async () => {
      const { network, peer } = await startNetwork({ timing: impatient })
      for (const element of [1, 13]) await insert(peer, element)
      const reasons = new Set<string>()
      const watching = (async () => {
        for await (const event of peer.control.events())
          if (event.type === 'phase' && event.reason !== undefined) reasons.add(event.reason)
        // The kill below cuts it off, before anybody waits for it.
      })().catch(() => undefined)
      await publish(network, peer, modules.transformThrowsInThePause)
      const status = await untilPhase(peer, 'failed')
      expect(status).toMatchObject({ running: { version: 1 }, host: { restarts: 0 } })
      expect(status.served?.[0]).toBe(1)
      expect([...reasons].join('\n')).toMatch(/attempt 1 failed[^]*attempt 2 failed/)
      await expectTold(peer, /planted: the transform stumbles over 13/)
      expect([await contains(peer, 1), await contains(peer, 13)]).toEqual([true, true])

      await peer.kill()
      await watching
      await peer.start()
      await untilPhase(peer, 'failed')
      await peer.control.call({ method: 'delete', args: [13], version: 1, timeoutMs: 20_000 })
      expect(await runInstar(['upgrade', 'resume', '2', '--data', peer.dataDirectory])).toMatchObject({ code: 0 })
      await peer.until('runs version 2', ({ running }) => running.version === 2, patienceMs)
      expect([await contains(peer, 1, 2), await contains(peer, 13, 2)]).toEqual([true, false])
      expect((await peer.status()).problems).toEqual([])
    }
  )

  it.runIf(runsEverything)(
    'that hangs is ended at its deadline, and held calls are answered by the old version',
    async () => {
      const timing = { ...impatient, transformMs: 1500, upgradeAttemptsMax: 2 }
      const { network, peer } = await startNetwork({ timing })
      for (const element of [1, 13]) await insert(peer, element)
      await publish(network, peer, modules.transformHangs)
      const failed = untilPhase(peer, 'failed')
      const answers: unknown[] = []
      const over = new AbortController()
      const calling = (async () => {
        while (!over.signal.aborted) answers.push(await contains(peer, 1))
      })()
      const status = await failed
      over.abort()
      await calling
      expect(new Set(answers)).toEqual(new Set([true]))
      expect(status).toMatchObject({ running: { version: 1 } })
      expect(status.served?.[0]).toBe(1)
      await expectTold(peer, /transform.*(1500 ms|1\.5 s|time)/i)

      await peer.control.call({ method: 'delete', args: [13], version: 1, timeoutMs: 20_000 })
      await peer.control.resume(2)
      await peer.until('runs version 2', ({ running }) => running.version === 2, patienceMs)
      expect(await contains(peer, 1, 2)).toBe(true)
    }
  )
})

describe('a host', () => {
  it('that is killed while it serves is started again: commands of sessions run once, others are told what is unknown', async () => {
    const { network, peer } = await startNetwork()
    const client = await network.client()
    const set = client.object(intSet, peer.id, { version: 1, deadlineMs: 60_000 })
    const over = new AbortController()
    let elements = 0
    const honest: unknown[] = []
    const writing = Array.from({ length: 8 }, async () => {
      while (!over.signal.aborted) await set.insert(elements++)
    })
    const asking = (async () => {
      const once = { className: 'IntSet', version: 1, method: 'insert', args: [0], retry: false, deadlineMs: 20_000 }
      while (!over.signal.aborted) {
        try {
          await client.call(peer.id, once)
        } catch (thrown) {
          honest.push(thrown)
          await peer.status()
        }
      }
    })()
    for (let kills = 1; kills <= 3; kills++) {
      const { host } = await peer.until(
        'has a host',
        ({ host: { pid, restarts } }) => pid !== undefined && restarts === kills - 1
      )
      killNow([host.pid!])
      await peer.until(
        'started it again',
        ({ host: { pid, restarts } }) => pid !== undefined && restarts === kills,
        patienceMs
      )
      await set.contains(0)
    }
    over.abort()
    await Promise.all([...writing, asking])
    expect(await set.size()).toBe(elements)
    for (const error of honest)
      expect(error).toMatchObject({
        name: 'CallError',
        code: expect.stringMatching(
          /^(Unreachable|Upgrading|HostDown|Busy|Unavailable|OutcomeUnknown|Crashed|NotYet)$/
        ) as string
      })
    expect((await peer.control.log(2000)).join('\n')).toMatch(/the host ended by itself/)
  })

  it.runIf(runsEverything)('that dies on its probation is withdrawn, and version 1 answers on', async () => {
    const { network, peer } = await startNetwork({ env: planted })
    const client = await network.client()
    const set = client.object(intSet, peer.id, { version: 1, deadlineMs: 60_000 })
    await publish(network, peer, modules.diesOnProbation, { probation: '60s' })
    const over = new AbortController()
    let elements = 0
    const writing = (async () => {
      while (!over.signal.aborted) await set.insert(elements++)
    })()
    const status = await untilPhase(peer, 'introduceFailed')
    expect(status).toMatchObject({ running: { version: 1 }, served: [1, 1] })
    await peer.until('has a host again', ({ host }) => host.pid !== undefined)
    await expectTold(peer, /exit(ed)?( with)? code 7/)
    await set.insert(elements++)
    over.abort()
    await writing
    expect(await set.size()).toBe(elements)
    const young = client.object(colorSet, peer.id, { version: 2, deadlineMs: 1000 })
    await expect(young.contains(1)).rejects.toMatchObject({
      code: expect.stringMatching(/NotYet|DeadlineExceeded/) as string
    })
  })
})

describe.skipIf(!canMount)('a full disk', () => {
  let disk: SmallDisk | undefined
  afterEach(() => disk?.unmount())

  it('costs no acknowledged command and no query; the peer says so, and goes on with everything when there is room', async () => {
    const { network, peer: author } = await startNetwork()
    const peer = network.addPeer('small')
    disk = await mountSmallDisk(peer.dataDirectory, 32)
    await peer.start({ timing: impatient })
    await peer.until('serves', status => status.served !== undefined)
    const acknowledged: number[] = []
    for (let element = 0; element < 20; element++) {
      await insert(peer, element)
      acknowledged.push(element)
    }

    await disk.fill()
    // The database has room of its own for some more.
    let refused: unknown
    for (let element = 1000; refused === undefined && element < 10_000; element++) {
      const call = { method: 'insert', args: [element], version: 1, timeoutMs: 2000 }
      await peer.control.call(call).then(
        () => acknowledged.push(element),
        (thrown: unknown) => (refused = thrown)
      )
    }
    // Its first attempt may have met the disk's last bytes: nobody can promise that it has not run.
    expect(refused).toMatchObject({ code: 'Upgrading', message: expect.stringMatching(/cannot be written/) as string })
    const { problems } = await peer.until('says so', status => status.problems.length > 0)
    expect(problems).toEqual([
      expect.stringMatching(/^The disk that holds .* is full: make room, and the peer goes on by itself\.$/)
    ])
    expect((await author.control.log(1000)).join('\n')).not.toMatch(/disk/)

    // Whatever else happens meanwhile cannot be kept, and does no harm.
    await publish(network, author, modules.colorSet)
    await author.until('serves both versions', ({ served }) => served?.[1] === 2, patienceMs)
    expect(await peer.status()).toMatchObject({ newest: 1, running: { version: 1 }, served: [1, 1] })
    for (const element of acknowledged) expect(await contains(peer, element)).toBe(true)
    await disk.free()
    await peer.until('runs version 2', ({ running }) => running.version === 2, patienceMs)
    for (const element of acknowledged) expect(await contains(peer, element, 2)).toBe(true)
    expect((await peer.status()).problems).toEqual([])
    expect((await peer.control.log(1000)).join('\n')).toMatch(/"msg":"The disk that holds .* is full/)
    await peer.stop()
  })
})
