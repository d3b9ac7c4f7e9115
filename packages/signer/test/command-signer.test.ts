import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { verifies } from '../src/keys/public-key.js'
import { addKeys, createKeyPair, loadKeystore, schemes, type KeyPair, type Scheme, type Signer } from '../src/index.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-command-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true, force: true })
})

const bytes = Buffer.from('what is signed')

/** A key that a program holds: the file in which it has it, and this module that signs, is all that the program needs. */
async function keyOfProgram(
  script: string,
  { scheme = 'ed25519', timeoutMs }: { scheme?: Scheme; timeoutMs?: number } = {}
): Promise<{ readonly pair: KeyPair; readonly signer: Signer }> {
  const pair = createKeyPair(scheme)
  await writeFile(join(directory, 'held.pem'), pair.exportPrivate(), { mode: 0o600 })
  await writeFile(
    join(directory, 'program.mjs'),
    `import { sign } from 'node:crypto'
    import { readFileSync } from 'node:fs'
    const digest = ${scheme === 'ed25519' ? 'null' : "'sha256'"}
    const signature = () => sign(digest, readFileSync(0), readFileSync('held.pem', 'utf8'))
    ${script}`
  )
  const command = [process.execPath, './program.mjs', 'an argument; rm -rf $HOME']
  const times = timeoutMs === undefined ? {} : { timeoutMs }
  await addKeys(directory, [{ role: 'targets', ...{ key: pair.key, command, ...times } }], 'unencrypted')
  return { pair, signer: (await loadKeystore(directory)).keysFor('targets')[0]! }
}

const refused = (sentence: string) => ({ code: 'SignerFailed', message: expect.stringContaining(sentence) as string })

describe('a signing command', () => {
  it.each([
    ['bytes', '(signature())'],
    ['hexadecimal', "(signature().toString('hex') + '\\n')"],
    ['base64', "(signature().toString('base64') + '\\n')"]
  ])('gets the bytes, and writes the signature as %s', async (_, written) => {
    const { pair, signer } = await keyOfProgram(`process.stdout.write${written}`)
    expect(signer.key).toEqual(pair.key)
    expect(await signer.sign(bytes)).toEqual(await pair.sign(bytes))
  })

  it.each(schemes)('signs by %s', async scheme => {
    const { signer } = await keyOfProgram('process.stdout.write(signature())', { scheme })
    expect(verifies(signer.key, bytes, Buffer.from(await signer.sign(bytes)).toString('hex'))).toBe(true)
  })

  it('hears for what it signs, gets its arguments as they are, and not the passphrase of other keys', async () => {
    vi.stubEnv('INSTAR_PASSPHRASE', 'of other keys')
    const { pair, signer } = await keyOfProgram(`
      console.error(JSON.stringify([process.argv[2], process.env.INSTAR_ROLE, process.env.INSTAR_KEY_ID, process.env.INSTAR_PASSPHRASE ?? 'none']))
      process.exit(3)`)
    const told = ['an argument; rm -rf $HOME', 'targets', pair.key.keyId, 'none']
    await expect(signer.sign(bytes)).rejects.toMatchObject(refused(`failed with code 3: ${JSON.stringify(told)}`))
  })

  it.each([
    ['another signature', "sign(null, Buffer.from('other bytes'), readFileSync('held.pem', 'utf8'))"],
    ['nothing', "''"],
    ['no signature', "'touch the token\\n'"]
  ])('that writes %s has signed nothing', async (_, what) => {
    const { signer } = await keyOfProgram(`process.stdout.write(${what})`)
    await expect(signer.sign(bytes)).rejects.toMatchObject(refused('no signature by key'))
  })

  it('that writes without end is cut off at its time, and not kept in memory', async () => {
    const { signer } = await keyOfProgram(
      `const more = () => { while (process.stdout.write('x'.repeat(65536))); process.stdout.once('drain', more) }
      more()`,
      { timeoutMs: 1000 }
    )
    await expect(signer.sign(bytes)).rejects.toMatchObject(refused('did not answer within 1000 ms'))
  })

  it('that leaves a child behind with its pipes does not hold up the answer', async () => {
    const { signer } = await keyOfProgram(
      `import { spawn } from 'node:child_process'
      console.error(spawn(process.execPath, ['-e', 'setTimeout(() => {}, 8000)'], { stdio: 'inherit' }).pid)
      setTimeout(() => {}, 60_000)`,
      { timeoutMs: 1000 }
    )
    const error = (await signer.sign(bytes).catch((thrown: unknown) => thrown)) as Error
    expect(error).toMatchObject(refused('did not answer within 1000 ms'))
    process.kill(Number(/ms: (\d+)/.exec(error.message)![1]), 'SIGKILL')
  })

  it('that is not there is said to be so', async () => {
    const { key } = createKeyPair()
    await addKeys(directory, [{ role: 'targets', ...{ key, command: ['./no-such-program'] } }], 'unencrypted')
    const [signer] = (await loadKeystore(directory)).keysFor('targets')
    await expect(signer!.sign(bytes)).rejects.toMatchObject(refused('cannot be started'))
  })
})
