import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { cpuTimeMs } from './cpu-time.js'

test.runIf(process.platform === 'linux')('counts what a process has used, and what it has started', async () => {
  const burn = 'const until = process.cpuUsage().user + 100_000; while (process.cpuUsage().user < until);'
  const say = 'console.log(1); setInterval(() => undefined, 1000)'
  const start = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(burn + say)}], { stdio: 'inherit' }); setInterval(() => undefined, 1000)`
  const parent = spawn(process.execPath, ['-e', start], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  try {
    await once(parent.stdout, 'data')
    expect(cpuTimeMs(parent.pid ?? 0)).toBeGreaterThan(100)
  } finally {
    process.kill(-(parent.pid ?? 0), 'SIGKILL')
  }
})

test('says nothing of a process that is not there', () => {
  expect(cpuTimeMs(2 ** 30)).toBeUndefined()
})
