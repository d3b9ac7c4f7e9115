import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeExportedKey, loadKeystore, parseExportedKey } from '@instar/signer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Io } from '../src/io.js'
import { run } from '../src/run.js'
import { instar, objectsOf, type Ran } from './instar.js'

const passphrase = 'four words of mine'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-keys-'))
  await writeFile(join(folder, 'secret'), `${passphrase}\n`, { mode: 0o600 })
})
afterEach(() => rm(folder, { recursive: true }))

/** The command in this process, with a person who gives these answers, if there is one. */
async function keys(
  args: readonly string[],
  answers?: string[],
  env: Io['env'] = {}
): Promise<Ran & { asked: string[] }> {
  let [out, err] = ['', '']
  const asked: string[] = []
  const code = await run(['keys', ...args], {
    out: text => void (out += text),
    err: text => void (err += text),
    env,
    cwd: folder,
    isTerminal: false,
    hasColours: false,
    now: () => 0,
    ask: async () => 'no',
    canAsk: answers !== undefined,
    askSecret: async question => {
      asked.push(question)
      return answers!.shift()!
    },
    onInterrupt: () => () => {},
    exit: () => {}
  })
  return { code, out, err, asked }
}

const opened = (given = passphrase) => loadKeystore(join(folder, 'own'), { passphrase: async () => given })
const create = ['create', '--keys', 'own', '--role', 'targets']

describe('instar keys create', () => {
  it('makes encrypted keys that sign, by the real command', async () => {
    const made = await instar(folder, 'keys', ...create, '--role', 'root', '--passphrase-file', 'secret', '--json')
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(objectsOf(made.out)).toMatchObject([
      { role: 'targets', scheme: 'ed25519', encrypted: true },
      { role: 'root', scheme: 'ed25519', encrypted: true }
    ])
    const store = await opened()
    for (const { signer } of store.keys) await signer!.sign(Buffer.from('x'))
    const listed = await instar(folder, 'keys', 'list', '--keys', 'own')
    expect(listed.out).toMatch(/targets +[0-9a-f]{64} +ed25519 +a passphrase +\S*targets-[0-9a-f]{8}\.key\.json/)
  })

  it('says what is missing when nobody can type a passphrase', async () => {
    const { code, err } = await keys(create)
    expect(code).toBe(2)
    expect(err).toMatch(/--passphrase-file .* INSTAR_PASSPHRASE.* --no-passphrase/)
    expect(await readdir(folder)).toEqual(['secret'])
  })

  it('asks a person twice', async () => {
    const { code, asked, out } = await keys(create, [passphrase, passphrase])
    expect({ code, questions: asked.length }).toEqual({ code: 0, questions: 2 })
    expect(out + asked.join('')).not.toContain(passphrase)
    await (await opened()).keysFor('targets')[0]!.sign(Buffer.from('x'))
    expect(await keys(create, [passphrase, 'mistyped'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('differ') as string
    })
    expect(await keys(create, ['short'])).toMatchObject({ code: 2, asked: ['A passphrase for the new private keys: '] })
    expect((await opened()).keys).toHaveLength(1)
  })

  it('takes the passphrase of the environment', async () => {
    expect(await keys(create, undefined, { INSTAR_PASSPHRASE: 'from the environment' })).toMatchObject({ code: 0 })
    await (await opened('from the environment')).keysFor('targets')[0]!.sign(Buffer.from('x'))
  })

  it('refuses a passphrase file that others may read', async () => {
    await chmod(join(folder, 'secret'), 0o644)
    const { code, err } = await keys([...create, '--passphrase-file', 'secret'])
    expect(code).toBe(4)
    expect(err).toContain('KeyUnsafe')
  })

  it('leaves keys unencrypted when it is told to, and says so', async () => {
    const { code, out } = await keys([...create, '--no-passphrase', '--scheme', 'ecdsa-sha2-nistp256'])
    expect(code).toBe(0)
    expect(out).toContain('They are not encrypted')
    expect((await opened()).keys).toMatchObject([{ protection: 'none', key: { scheme: 'ecdsa-sha2-nistp256' } }])
    expect(await keys([...create, '--no-passphrase', '--passphrase-file', 'secret'])).toMatchObject({ code: 2 })
  })

  it('does nothing with --dry-run', async () => {
    expect(await keys([...create, '--dry-run', '--json'])).toMatchObject({ code: 0 })
    expect(await readdir(folder)).toEqual(['secret'])
  })
})

describe('instar keys export-public', () => {
  it('prints what reads back as the same key, and no other', async () => {
    await keys([...create, '--role', 'root', '--no-passphrase'])
    const store = await opened()
    const { out } = await keys(['export-public', '--keys', 'own', '--role', 'root'])
    const [root] = store.keysFor('root')
    expect(parseExportedKey(out)).toEqual({ role: 'root', key: root!.key })
    const { out: by } = await keys(['export-public', root!.key.keyId.slice(0, 9), '--keys', 'own'])
    expect(by).toBe(out)
    expect(await keys(['export-public', 'ffffffffff', '--keys', 'own'])).toMatchObject({ code: 1 })
    for (const changed of [
      out.replace('"root"', '"toor"'),
      out.replace(/"keyId":"./, '"keyId":"x'),
      out.slice(2),
      '{}'
    ])
      expect(() => parseExportedKey(changed)).toThrow('no exported public key')
  })
})

describe('instar keys import', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const file = (name: string) => join(folder, name)
  const own = ['--keys', 'own', '--role', 'targets']

  it('takes a PEM file in, encrypted from then on', async () => {
    await writeFile(file('old.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
    const { code, out } = await keys(['import', 'old.pem', ...own, '--passphrase-file', 'secret'])
    expect(code).toBe(0)
    expect(out).toContain('delete it')
    const store = await opened()
    expect(store.keys).toMatchObject([{ protection: 'passphrase' }])
    await store.keysFor('targets')[0]!.sign(Buffer.from('x'))
    await chmod(file('old.pem'), 0o640)
    expect(await keys(['import', 'old.pem', ...own])).toMatchObject({ code: 4 })
  })

  it('opens an encrypted PEM file with its own passphrase', async () => {
    const sealed = { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'the old one' } as const
    await writeFile(file('old.pem'), privateKey.export(sealed), { mode: 0o600 })
    const args = ['import', 'old.pem', ...own]
    expect(await keys(args)).toMatchObject({ code: 4, err: expect.stringContaining('--old-passphrase-file') as string })
    expect(await keys(args, ['another'])).toMatchObject({ code: 4 })
    const { code, asked } = await keys([...args, '--no-passphrase'], ['the old one'])
    expect({ code, questions: asked.length }).toEqual({ code: 0, questions: 1 })
    await (await opened()).keysFor('targets')[0]!.sign(Buffer.from('x'))
  })

  it("keeps somebody else's public key, with the role that it names", async () => {
    await writeFile(file('token.pem'), publicKey.export({ format: 'pem', type: 'spki' }))
    expect(await keys(['import', 'token.pem', '--keys', 'own'])).toMatchObject({ code: 2 })
    await keys(['import', 'token.pem', ...own])
    const [kept] = (await opened()).keys
    await writeFile(file('alice.json'), encodeExportedKey(kept!))
    expect(await keys(['import', 'alice.json', '--keys', 'other', '--json'])).toMatchObject({ code: 0 })
    expect((await keys(['list', '--keys', 'other'])).out).toContain('somebody else')
    expect(await keys(['import', 'alice.json', '--keys', 'other'])).toMatchObject({ code: 2 })
  })

  it('makes a command of yours the signer', async () => {
    await writeFile(file('held.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
    await writeFile(file('token.pem'), publicKey.export({ format: 'pem', type: 'spki' }))
    const script =
      "process.stdout.write(require('crypto').sign('sha256', fs.readFileSync(0), fs.readFileSync('../held.pem', 'utf8')))"
    expect(await keys(['import', 'token.pem', ...own, '--sign-timeout', '0s', '--', 'x'])).toMatchObject({ code: 2 })
    const args = ['import', 'token.pem', ...own, '--sign-timeout', '20s', '--', process.execPath, '-e', script]
    expect(await keys(args)).toMatchObject({ code: 0 })
    const [signer] = (await opened()).keysFor('targets')
    await signer!.sign(Buffer.from('x'))
    expect(await readFile((await opened()).keys[0]!.file, 'utf8')).toContain('"timeoutMs": 20000')
  })

  it('says of a file that holds no key that it does not', async () => {
    await writeFile(file('note.txt'), 'a note', { mode: 0o600 })
    for (const name of ['note.txt', 'absent.pem'])
      expect(await keys(['import', name, ...own])).toMatchObject({
        code: 2,
        err: expect.stringContaining(name) as string
      })
  })
})
