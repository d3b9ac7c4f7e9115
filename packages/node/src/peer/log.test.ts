import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLog, tailOf } from './log.js'

const bytesMax = 2000

test('a log keeps its last lines, across starts, and never takes more than twice its bound', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'instar-log-'))
  try {
    const path = join(directory, 'log')
    const said: number[] = []
    for (let start = 0; start < 5; start++) {
      const log = openLog(path, bytesMax)
      for (let i = 0; i < 20; i++) {
        log.info({ n: said.length }, 'a line')
        said.push(said.length)
      }
      const lines = (await tailOf(path, 10)).map(line => (JSON.parse(line) as { n: number }).n)
      expect(lines).toEqual(said.slice(-10))
    }
    expect((await readdir(directory)).sort()).toEqual(['log', 'log.1'])
    for (const name of ['log', 'log.1']) expect((await stat(join(directory, name))).size).toBeLessThanOrEqual(bytesMax)
    expect((await tailOf(path, 1000)).length).toBeGreaterThan(20)
    expect(await tailOf(join(directory, 'none'), 10)).toEqual([])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
