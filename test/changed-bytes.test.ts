// One bit changed in a file of a peer that does not run: it says which file that is and does not start, or it goes on as if nothing had
// been. It never takes an earlier truth for the present one, and never answers wrongly.

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomOf, seed } from './faults/seed.js'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

describe.runIf(runsEverything)('a peer whose file has changed', () => {
  let network: LocalNetwork
  let peer: LocalPeer
  let whole: string
  let value: unknown
  const ask = async () => (await peer.control.call({ method: 'value', args: [], timeoutMs: 60_000 })).result
  const serves = () => peer.until('serves', status => status.served !== undefined, 120_000)

  /** What keeps it from serving, if anything does. */
  const problemOf = async (): Promise<string | undefined> => {
    const isSaid = (problem: string): boolean => problem.includes('damaged')
    const status = await peer.until(
      'serves, or says why not',
      ({ served, problems }) => served !== undefined || problems.some(isSaid),
      120_000
    )
    return status.served === undefined ? status.problems.find(isSaid) : undefined
  }

  beforeAll(async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
    peer = network.addPeer('one')
    // Each start writes what the log holds into a table.
    for (let start = 0; start < 3; start++) {
      await peer.start()
      await serves()
      for (let i = 0; i < 5; i++) await peer.control.call({ method: 'increment', args: [], timeoutMs: 60_000 })
      value = await ask()
      await (start === 2 ? peer.kill() : peer.stop())
    }
    expect(value).toBe(15)
    whole = join(network.directory, 'whole')
    await cp(peer.dataDirectory, whole, { recursive: true, filter: path => !path.endsWith('control.sock') })
  })
  afterAll(() => network.stop())

  const kinds: readonly (readonly [string, RegExp])[] = [
    ['a table of the state', /^state\/.*\.ldb$/],
    ['the log of the state', /^state\/.*\.log$/],
    ['the manifest of the state', /^state\/MANIFEST/],
    ['CURRENT of the state', /^state\/CURRENT$/],
    ['a table of the store', /^store\/.*\.ldb$/],
    ['the log of the store', /^store\/.*\.log$/],
    ['the manifest of the store', /^store\/MANIFEST/],
    ['CURRENT of the store', /^store\/CURRENT$/],
    ['the journal', /^journal$/],
    ['the identity', /^identity\.key$/],
    ['the configuration', /^config\.json$/],
    ['the audit log', /^audit\//],
    ['a bundle', /^bundles\//],
    ['the record of hosts', /^hosts/]
  ]

  test.each(kinds)('%s', async (what, isOne) => {
    if (peer.running) await peer.kill()
    const names = (await readdir(whole, { recursive: true, withFileTypes: true }))
      .flatMap(entry => (entry.isFile() ? [relative(whole, join(entry.parentPath, entry.name))] : []))
      .filter(name => isOne.test(name))
      .sort()
    expect(names).not.toEqual([])
    const random = randomOf(what)
    const told: string[] = []
    for (let round = 0; round < 2; round++) {
      const name = names[Math.floor(random() * names.length)]
      if (name === undefined) continue
      await rm(peer.dataDirectory, { recursive: true })
      await cp(whole, peer.dataDirectory, { recursive: true })
      const path = join(peer.dataDirectory, name)
      const bytes = await readFile(path)
      if (bytes.length === 0) continue
      const at = Math.floor(random() * bytes.length)
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at)
      await writeFile(path, bytes)
      const said = await peer.start().then(
        () => undefined,
        () => JSON.parse(peer.output.at(-1) ?? '{}') as { error?: { code: string; message: string } }
      )
      const problem = said === undefined ? await problemOf() : undefined
      if (problem !== undefined) {
        // Another peer would have it: it is fetched again.
        expect(name).toMatch(/^bundles/)
        expect(problem).toContain('was damaged on disk')
        await peer.stop()
      } else if (said === undefined) {
        expect(await ask(), `${name}, byte ${at}`).toBe(value)
        await peer.stop()
      } else {
        // A sentence, its code, and what it is about.
        const { code, message } = said.error ?? { code: 'none', message: JSON.stringify(said) }
        expect(code, message).toMatch(
          /^(StateDamaged|DataDirectoryDamaged|JournalDamaged|BadConfig|BadInput|WrongNetwork)$/
        )
        if (name !== 'config.json') expect(message).toContain(name)
      }
      told.push(`${name} byte ${at}: ${said === undefined ? (problem ?? 'as before') : (said.error?.message ?? '')}`)
    }
    console.log([`seed ${seed}: ${what}`, ...told].join('\n  '))
  })
})
