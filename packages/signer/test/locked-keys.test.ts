import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifies } from '../src/keys/public-key.js'
import {
  addKeys,
  createKeyPair,
  createKeystore,
  loadKeystore,
  readPassphraseFile,
  type KeyCounts,
  type PassphraseSource
} from '../src/index.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-keys-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const passphrase = 'correct horse battery staple'
/** The least that is read, so that tests do not wait. */
const sealed = { passphrase, logN: 10 }
const bytes = Buffer.from('what is signed')

/** Gives these answers in turn, the last one for ever, and counts. */
function answers(...all: string[]): { readonly source: PassphraseSource; readonly questions: string[] } {
  const questions: string[] = []
  const source: PassphraseSource = async ({ file, wrong }) => {
    questions.push(`${file} ${wrong}`)
    return all[Math.min(wrong, all.length - 1)]!
  }
  return { source, questions }
}

const onlyTimestamp: KeyCounts = { root: 0, targets: 0, snapshot: 0, halt: 0, admission: 0 }

describe('an encrypted key', () => {
  it('signs with its passphrase, which is asked once, when it is needed', async () => {
    const made = await createKeystore(join(directory, 'keys'), sealed)
    const { source, questions } = answers(passphrase)
    const store = await loadKeystore(made.directory, { passphrase: source })
    expect(store.keys.map(each => each.protection)).toEqual(store.keys.map(() => 'passphrase'))
    expect(questions).toEqual([])
    const signers = store.keys.map(each => each.signer!)
    const all = await Promise.all(signers.flatMap(each => [each.sign(bytes), each.sign(bytes)]))
    expect(questions).toHaveLength(1)
    all.forEach((signature, i) => {
      const { key } = signers[Math.floor(i / 2)]!
      expect(verifies(key, bytes, Buffer.from(signature).toString('hex'))).toBe(true)
    })
  })

  it('asks a person again who mistyped, and stays locked after three times', async () => {
    await createKeystore(directory, sealed, onlyTimestamp)
    const twice = answers('a typo in it', passphrase)
    const [signer] = (await loadKeystore(directory, { passphrase: twice.source })).keysFor('timestamp')
    await signer!.sign(bytes)
    expect(twice.questions.map(each => each.at(-1))).toEqual(['0', '1'])
    const never = answers('one', 'two', 'three', passphrase)
    const locked = (await loadKeystore(directory, { passphrase: never.source })).keysFor('timestamp')[0]!
    await expect(locked.sign(bytes)).rejects.toMatchObject({ code: 'KeyLocked' })
    expect(never.questions).toHaveLength(3)
  })

  it('stays locked for a wrong passphrase that nobody can correct, and without any', async () => {
    await createKeystore(directory, sealed, onlyTimestamp)
    const wrong = answers('from a file that is wrong')
    const [signer] = (await loadKeystore(directory, { passphrase: wrong.source })).keysFor('timestamp')
    await expect(signer!.sign(bytes)).rejects.toMatchObject({ code: 'KeyLocked' })
    expect(wrong.questions).toHaveLength(2)
    const [none] = (await loadKeystore(directory)).keysFor('timestamp')
    await expect(none!.sign(bytes)).rejects.toMatchObject({ code: 'KeyLocked' })
  })

  it('signs again when the passphrase was not there at first', async () => {
    await createKeystore(directory, sealed, onlyTimestamp)
    let there = false
    const source: PassphraseSource = async () => {
      if (!there) throw new Error('not yet')
      return passphrase
    }
    const [signer] = (await loadKeystore(directory, { passphrase: source })).keysFor('timestamp')
    await expect(signer!.sign(bytes)).rejects.toThrow('not yet')
    there = true
    await signer!.sign(bytes)
  })

  it('of another passphrase in the same folder is asked for by its own', async () => {
    await addKeys(directory, [{ role: 'root', ...{ pair: createKeyPair() } }], sealed)
    await addKeys(directory, [{ role: 'root', ...{ pair: createKeyPair() } }], {
      passphrase: 'another one of mine',
      logN: 10
    })
    const { source, questions } = answers(passphrase, 'another one of mine')
    const store = await loadKeystore(directory, { passphrase: source })
    for (const signer of store.keysFor('root')) await signer.sign(bytes)
    expect(new Set(questions.map(each => each.slice(0, -2))).size).toBe(2)
  })

  it('is bound to its role: a file that was changed does not open', async () => {
    await createKeystore(directory, sealed, onlyTimestamp)
    const [name] = await readdir(directory)
    const file = join(directory, name!)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('"timestamp"', '"root"'))
    const [signer] = (await loadKeystore(directory, { passphrase: answers(passphrase).source })).keysFor('root')
    await expect(signer!.sign(bytes)).rejects.toMatchObject({ code: 'KeyLocked' })
  })

  it.each([
    ['a cost that takes all memory', /"logN": \d+/, '"logN": 30'],
    ['a cost that is none', /"logN": \d+/, '"logN": 1'],
    ['another cipher', /aes-256-gcm/, 'aes-256-cbc'],
    ['another format', /"format": 2/, '"format": 3'],
    ['more than a key', /"data": "/, `"data": "${'00'.repeat(600)}`]
  ])('is not read with %s', async (_, from, to) => {
    await createKeystore(directory, sealed, onlyTimestamp)
    const file = join(directory, (await readdir(directory))[0]!)
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to))
    await expect(loadKeystore(directory)).rejects.toMatchObject({ code: 'BadInput' })
  })

  it('is nowhere in the file, in what is printed, or in an error', async () => {
    const pair = createKeyPair()
    const secret = pair.exportPrivate().split('\n')[1]!
    const inside = Buffer.from(secret, 'base64').subarray(-32)
    const [file] = await addKeys(directory, [{ role: 'root', ...{ pair } }], sealed)
    const store = await loadKeystore(directory, { passphrase: answers(passphrase).source })
    await store.keysFor('root')[0]!.sign(bytes)
    const failed: unknown = await (
      await loadKeystore(directory, { passphrase: answers('something else').source })
    )
      .keysFor('root')[0]!
      .sign(bytes)
      .catch((thrown: unknown) => thrown)
    const shown = [
      await readFile(file!, 'utf8'),
      JSON.stringify([store, failed]),
      inspect([store, failed], { depth: 9, showHidden: true, getters: true })
    ].join('\n')
    for (const form of [secret, inside.toString('hex'), inside.toString('base64'), passphrase, 'something else'])
      expect(shown).not.toContain(form)
  })

  it('is not made with a passphrase that protects nothing', async () => {
    await expect(createKeystore(directory, { passphrase: 'short' })).rejects.toMatchObject({ code: 'BadInput' })
    expect(await readdir(directory)).toEqual([])
  })
})

describe('a keystore', () => {
  it('never replaces a key, and is private when a key makes it', async () => {
    const path = join(directory, 'new')
    const added = { role: 'root' as const, pair: createKeyPair() }
    const [file] = await addKeys(path, [added], 'unencrypted')
    expect([(await stat(path)).mode & 0o777, (await stat(file!)).mode & 0o777]).toEqual([0o700, 0o600])
    await expect(addKeys(path, [added], 'unencrypted')).rejects.toMatchObject({ code: 'BadInput' })
  })

  it('knows a key of somebody else, and does not sign with it', async () => {
    const { key } = createKeyPair()
    await addKeys(directory, [{ role: 'targets', ...{ key, elsewhere: true } }], 'unencrypted')
    const store = await loadKeystore(directory)
    expect(store.keys).toMatchObject([{ role: 'targets', key, protection: 'elsewhere' }])
    expect(store.keysFor('targets')).toEqual([])
  })

  it('still reads keys of format 1', async () => {
    const pair = createKeyPair()
    const content = {
      format: 1,
      role: 'targets',
      keyId: pair.key.keyId,
      public: pair.key.public,
      private: { protection: 'none', pkcs8: pair.exportPrivate() }
    }
    await writeFile(join(directory, 'targets-1.key.json'), JSON.stringify(content), { mode: 0o600 })
    const [signer] = (await loadKeystore(directory)).keysFor('targets')
    expect(signer!.key).toEqual(pair.key)
    await expect(signer!.sign(bytes)).resolves.toEqual(await pair.sign(bytes))
  })
})

describe('a passphrase file', () => {
  const file = () => join(directory, 'secret')

  it.each(['one line', 'one line\n', 'one line\r\n', 'one line\nand a note'])('%j is its first line', async text => {
    await writeFile(file(), text, { mode: 0o600 })
    expect(await readPassphraseFile(file())).toBe('one line')
  })

  it('is refused when it is empty, absent, or open to others', async () => {
    await expect(readPassphraseFile(file())).rejects.toMatchObject({ code: 'BadInput' })
    await writeFile(file(), '\n', { mode: 0o600 })
    await expect(readPassphraseFile(file())).rejects.toMatchObject({ code: 'BadInput' })
    await rm(file())
    await writeFile(file(), 'for everybody', { mode: 0o644 })
    await expect(readPassphraseFile(file())).rejects.toMatchObject({ code: 'KeyUnsafe' })
  })
})
