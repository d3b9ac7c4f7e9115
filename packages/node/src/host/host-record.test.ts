import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHostRecord, endOrphans } from './host-record.js'

const log = pino({ enabled: false })
let directory: string
let child: ChildProcess

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-hosts-'))
  child = spawn('sleep', ['1000'])
  await once(child, 'spawn')
})

afterEach(async () => {
  child.kill('SIGKILL')
  await rm(directory, { recursive: true })
})

const isSleep = (commandLine: readonly string[]): boolean => commandLine[0] === 'sleep'

describe.runIf(existsSync('/proc/self/stat'))('a host process that outlives its peer', () => {
  it('is ended at the next start, also where it is stopped', async () => {
    child.kill('SIGSTOP')
    const exited = once(child, 'exit')
    createHostRecord(directory, log).started(child.pid!)
    expect(await endOrphans(directory, isSleep, log)).toEqual([child.pid])
    expect(await exited).toEqual([null, 'SIGKILL'])
    expect(await readdir(directory)).toEqual([])
  })

  it.each([
    ['was started at another time', { startTicks: '1' }],
    ['is of another boot', { boot: 'd0a7ab1e-0000-4000-8000-000000000000' }]
  ])('is another process where it %s, and is left alone', async (_, other) => {
    createHostRecord(directory, log).started(child.pid!)
    const path = join(directory, String(child.pid))
    await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), ...other }))
    expect(await endOrphans(directory, isSleep, log)).toEqual([])
    expect(child.exitCode ?? child.signalCode).toBeNull()
  })

  it('is left alone where it runs no host', async () => {
    createHostRecord(directory, log).started(child.pid!)
    expect(await endOrphans(directory, () => false, log)).toEqual([])
    expect(child.exitCode ?? child.signalCode).toBeNull()
  })

  it('is forgotten when it was seen to end; what is no record is no process', async () => {
    const record = createHostRecord(directory, log)
    record.started(child.pid!)
    record.ended(child.pid!)
    await writeFile(join(directory, 'notes'), '1')
    await writeFile(join(directory, String(child.pid)), 'cut off')
    expect(await endOrphans(directory, isSleep, log)).toEqual([])
    expect(child.exitCode ?? child.signalCode).toBeNull()
  })
})
