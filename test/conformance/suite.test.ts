import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { runsEverything } from '../fixtures/selection.js'

const run = promisify(execFile)
const door = join(import.meta.dirname, 'client.ts')

/** Where Python finds the public suite (theupdateframework/tuf-conformance) with all that it needs; undefined when it does not. */
async function findSuite(): Promise<string | undefined> {
  const parts =
    'import os, pytest, securesystemslib, tuf, tuf_conformance; print(os.path.dirname(tuf_conformance.__file__))'
  try {
    await run('faketime', ['now', 'true'])
    return (await run('python3', ['-c', parts])).stdout.trim()
  } catch {
    return undefined
  }
}

const suite = runsEverything ? await findSuite() : undefined
if (runsEverything && suite === undefined) {
  process.stderr.write(
    '--- skipped: the TUF conformance suite, because python3 does not find tuf_conformance, tuf, securesystemslib, pytest or faketime\n'
  )
}

describe.runIf(suite !== undefined)('the public TUF client conformance suite', () => {
  it('passes whole, its expected failures included', { timeout: 1_800_000 }, async () => {
    const options = ['-q', '-p', 'no:cacheprovider', '--entrypoint', door]
    const { stdout } = await run('python3', ['-m', 'pytest', suite ?? '', ...options], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      maxBuffer: 64 * 1024 * 1024
    }).catch((thrown: unknown) => thrown as { stdout: string })
    const last = stdout.trim().split('\n').at(-1) ?? ''
    expect(last, stdout.slice(-20_000)).toMatch(/^\d+ passed in /)
  })
})

describe('the door of the conformance suite', () => {
  it('fails with a sentence where there is no repository', async () => {
    const failed = await run(process.execPath, [door, '--metadata-dir', import.meta.dirname, 'refresh']).catch(
      (thrown: unknown) => thrown as { code: number; stderr: string }
    )
    expect(failed).toMatchObject({ code: 1, stderr: '--metadata-url is missing\n' })
  })
})
