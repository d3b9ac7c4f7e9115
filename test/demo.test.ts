import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Summary } from '../packages/examples/src/demo/summary.js'

const demoPath = fileURLToPath(new URL('../packages/examples/dist/demo/main.js', import.meta.url))
const demoTimeoutMs = 240_000

describe('npm run demo', () => {
  /** All that the demo writes goes here, so what it leaves behind can be seen. */
  let folder: string
  let demo: ChildProcess | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'instar-test-'))
  })
  afterEach(async () => {
    demo?.kill('SIGINT')
    if (demo?.exitCode === null && demo.signalCode === null) await once(demo, 'close')
    await rm(folder, { recursive: true, force: true })
  })

  function start(args: readonly string[]): { process: ChildProcess; out: () => string; story: () => string } {
    const started = spawn(process.execPath, [demoPath, ...args], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    demo = started
    let out = ''
    let story = ''
    started.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    started.stderr.setEncoding('utf8').on('data', (text: string) => (story += text))
    return { process: started, out: () => out, story: () => story }
  }

  it(
    'upgrades a running service across real peers, a SIGKILL and a late joiner without one error',
    async () => {
      const run = start(['--json'])
      const [code] = (await once(run.process, 'close')) as [number | null]
      expect(code, run.story()).toBe(0)
      const summary = JSON.parse(run.out()) as Summary
      const { outcome, peers, clients } = summary

      expect(summary).toMatchObject({ ok: true, failures: [] })
      expect(clients.map(({ version, errors }) => ({ version, errors }))).toEqual([
        { version: 1, errors: 0 },
        { version: 2, errors: 0 }
      ])
      // Both kinds of trouble were met: calls that had to be repeated, and colours that the direct object cannot keep true (R8).
      expect(clients.every(({ calls, retries }) => calls > 500 && retries > 0)).toBe(true)
      expect(clients[0]?.disallowed).toBe(0)
      expect(clients[1]?.disallowed).toBeGreaterThan(0)

      // The kill came in the middle of the transform: the old version was there again, with its state.
      expect(outcome.kill).toMatchObject({ peer: 'dan', signal: 'SIGKILL', versionAfterRestart: 1 })
      expect(peers.map(({ peer, runs, served }) => ({ peer, runs, served }))).toEqual(
        ['ada', 'ben', 'cleo', 'dan', 'eve', 'fay'].map(peer => ({ peer, runs: 2, served: [2, 2] }))
      )
      expect(outcome.latecomer.peer).toBe('fay')

      expect(outcome.retired).toEqual(peers.map(({ peer }) => ({ peer, code: 'Retired', served: [2, 2] })))
      // Every element at every peer: as both versions show it before the retirement, as version 2 does after it.
      expect(outcome.checks).toHaveLength(18)
      expect(outcome.checks.every(({ compared, differences }) => compared === 3600 && differences.length === 0)).toBe(
        true
      )

      // Everyone but the publisher and the latecomer has heard of the version from others.
      expect(Object.keys(summary.descriptorMs)).toEqual(expect.arrayContaining(['ada', 'ben', 'dan', 'eve']))
      for (const { peer, upgradePauseMs } of peers.filter(each => each.peer !== 'fay')) {
        expect(upgradePauseMs, `the pause of ${peer}`).toBeGreaterThan(0)
      }
      await expectNothingLeft(folder)
    },
    demoTimeoutMs
  )

  it(
    'ends every process and removes its folder on Ctrl-C',
    async () => {
      const run = start(['--plain'])
      while (!run.out().includes('peers run;')) await once(run.process.stdout!, 'data')
      run.process.kill('SIGINT')
      const [code] = (await once(run.process, 'close')) as [number | null]
      expect(code, run.out()).toBe(130)
      await expectNothingLeft(folder)
    },
    demoTimeoutMs
  )

  it('says what it does not understand', async () => {
    const run = start(['--fast'])
    const [code] = (await once(run.process, 'close')) as [number | null]
    expect(code).toBe(2)
    expect(run.story()).toMatch(/--fast[^]*Usage: npm run demo/)
  })
})

/** No file, and no process that was told of the folder. */
async function expectNothingLeft(folder: string): Promise<void> {
  expect(await readdir(folder)).toEqual([])
  const processes = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const lines = await Promise.all(processes.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  expect(lines.filter(line => line.includes(folder))).toEqual([])
}
