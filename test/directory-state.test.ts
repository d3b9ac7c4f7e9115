import { join } from 'node:path'
import { createLocalNetwork, runInstar, type LocalNetwork } from '@instar/local-network'
import { afterEach, expect, test } from 'vitest'
import { logbook } from './fixtures/logbook/v1.js'
import { library } from './fixtures/logbook/v2.js'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
afterEach(() => network.stop())

test.runIf(runsEverything)(
  'a class that owns files is upgraded under calls, and keeps what it acknowledged through kill -9',
  async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('logbook/v1')] })
    const [peer] = await network.startPeers(['files'])
    const client = await network.client()
    const o = client.object(logbook, peer!.id, { version: 1, deadlineMs: 60_000 })
    const so = client.object(library, peer!.id, { version: 2, deadlineMs: 60_000 })

    const told = [
      'upgrade',
      'build',
      fixtureModule('logbook/v2-told'),
      '--title',
      'Told',
      '--data',
      peer!.dataDirectory
    ]
    expect(await runInstar([...told, '--dry-run'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('nobody can be told of a command in its step') as string
    })

    const answers: number[] = []
    const done = new AbortController()
    const calling = (async () => {
      while (!done.signal.aborted) answers.push(await o.append(`entry ${answers.length + 1}`))
    })()
    const folder = await network.buildUpgrade(peer!, {
      modules: [fixtureModule('logbook/v2')],
      schedule: 'manual',
      stable: '0s',
      retireAfter: '1h'
    })
    const plan = await runInstar(['upgrade', 'plan', join(folder, 'proposal.json'), '--data', peer!.dataDirectory])
    expect(plan.out).toMatch(/state +built anew .*kept in FILES/)
    await network.publish(peer!, folder)
    await peer!.until('serves version 2', status => status.served?.[1] === 2)
    expect((await peer!.control.why()).facades).toMatchObject([
      { role: 'object', state: 'directory' },
      { role: 'future' }
    ])
    expect(await so.count()).toBeGreaterThan(0)
    await peer!.control.approve(2)
    await peer!.until('runs version 2', status => status.running.version === 2)
    done.abort()
    await calling

    // Not one lost, none twice, in order, whichever code ran it.
    expect(answers).toEqual(answers.map((_, i) => i + 1))
    const all = answers.map(number => `entry ${number}`)
    expect(await o.entries()).toEqual(all)

    await peer!.kill()
    await peer!.start()
    const again = await network.client()
    const after = again.object(library, peer!.id, { version: 2, deadlineMs: 60_000 })
    expect(await after.count()).toBe(answers.length)
    expect(await after.append('one more')).toBe(answers.length + 1)
  }
)
