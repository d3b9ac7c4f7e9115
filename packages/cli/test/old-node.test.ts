import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const entry = fileURLToPath(new URL('../bin/instar.js', import.meta.url))

async function runOn(version: string): Promise<{ failed: boolean; stdout: string; stderr: string }> {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, entry, '--version']
  return new Promise(done => {
    execFile(process.execPath, args, (error, stdout, stderr) => done({ failed: error !== null, stdout, stderr }))
  })
}

test.each(['20.20.2', '22.9.0', '22.22.1'])('says in one sentence that Node %s is too old', async version => {
  const stderr = `instar needs Node.js 22.22.2 or newer; this is ${version}.\n`
  expect(await runOn(version)).toEqual({ failed: true, stdout: '', stderr })
})

test.each(['22.22.2', '23.0.0', '24.21.0'])('starts on Node %s', async version => {
  expect((await runOn(version)).stderr).toBe('')
})
