import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { confinement } from './confinement.js'
import { memoryReport, ownMemory } from './own-memory.js'

const megabyte = 1024 * 1024
const stateBytes = 32 * megabyte

describe.runIf(process.platform === 'linux')('the memory of a process', () => {
  it('grows with what it holds, and not with the tables of a state that it has read', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'instar-memory-'))
    const db = new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
    const mapped = (): number => process.memoryUsage.rss() - ownMemory()
    const before = mapped()
    // By chance, because LevelDB compresses.
    for (let at = 0; at < stateBytes; at += megabyte) await db.put(`${at}`, randomBytes(megabyte))
    for await (const [, value] of db.iterator()) expect(value).toHaveLength(megabyte)
    expect(mapped() - before).toBeGreaterThan(stateBytes / 2)
    const held = ownMemory()
    // Much more than what may be collected meanwhile.
    const buffer = Buffer.alloc(4 * stateBytes, 1)
    expect(ownMemory() - held).toBeGreaterThan(buffer.length / 2)
    await db.close()
    await rm(directory, { recursive: true })
  })

  it('may be read by a host that is confined', async () => {
    const code = `process.stdout.write(require('node:fs').readFileSync('${memoryReport}', 'latin1'))`
    const { stdout } = await promisify(execFile)(process.execPath, [...confinement([], []), '-e', code])
    expect(stdout).toMatch(/^RssAnon:/m)
  })
})
