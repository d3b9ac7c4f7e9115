import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifies } from '../src/keys/public-key.js'
import { createKeyPair, createKeystore, loadKeystore, openLedger, type SigningPromise } from '../src/index.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-signer-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('a keystore', () => {
  it('is a private directory of private files, and reads back', async () => {
    const path = join(directory, 'keys')
    const made = await createKeystore(path, 'unencrypted', { targets: 2, root: 1, halt: 0 })
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    for (const file of await readdir(path)) expect((await stat(join(path, file))).mode & 0o777).toBe(0o600)
    const loaded = await loadKeystore(path)
    expect(loaded.keysFor('targets').map(each => each.key)).toEqual(made.keysFor('targets').map(each => each.key))
    expect(loaded.keys.map(each => each.role).sort()).toEqual([
      'admission',
      'root',
      'snapshot',
      'targets',
      'targets',
      'timestamp'
    ])
    const [pair] = loaded.keysFor('root')
    const sig = Buffer.from(await pair!.sign(Buffer.from('x'))).toString('hex')
    expect(verifies(made.keysFor('root')[0]!.key, Buffer.from('x'), sig)).toBe(true)
  })

  it.each([0o640, 0o604, 0o622])('is refused when a key file has mode %o', async mode => {
    const { keys } = await createKeystore(directory, 'unencrypted')
    await chmod(keys[0]!.file, mode)
    await expect(loadKeystore(directory)).rejects.toMatchObject({ code: 'KeyUnsafe' })
  })

  it('is refused when the directory is open to others', async () => {
    await createKeystore(directory, 'unencrypted')
    await chmod(directory, 0o755)
    await expect(loadKeystore(directory)).rejects.toMatchObject({ code: 'KeyUnsafe' })
    await rm(join(directory), { recursive: true })
  })

  it('never replaces keys', async () => {
    await createKeystore(directory, 'unencrypted')
    await expect(createKeystore(directory, 'unencrypted')).rejects.toMatchObject({ code: 'BadInput' })
  })

  it('says which file is damaged, and does not quote it', async () => {
    const { keys } = await createKeystore(directory, 'unencrypted')
    const { file } = keys[0]!
    const text = await readFile(file, 'utf8')
    const secret = /MC4C[A-Za-z0-9+/=]+/.exec(text)![0]
    for (const damaged of [
      text.slice(0, -9),
      text.replace('"keyId": "', '"keyId": "0').replace(/.",\n {2}"public/, '",\n  "public'),
      '{}'
    ]) {
      await writeFile(file, damaged)
      const error: unknown = await loadKeystore(directory).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'BadInput' })
      expect(inspect(error)).toContain(file)
      expect(inspect(error)).not.toContain(secret)
    }
  })

  it('that is not there is not found', async () => {
    await expect(loadKeystore(join(directory, 'none'))).rejects.toMatchObject({ code: 'KeyNotFound' })
    await expect(loadKeystore(directory)).rejects.toMatchObject({ code: 'KeyNotFound' })
  })

  it('has key pairs that do not leak when they are printed', () => {
    const pair = createKeyPair()
    const secret = pair.exportPrivate().split('\n')[1]!
    expect(JSON.stringify(pair) + inspect(pair, { depth: 9, showHidden: true })).not.toContain(secret)
  })
})

describe('a ledger', () => {
  const promise = (over: Partial<SigningPromise> = {}): SigningPromise => ({
    network: 'n',
    keyId: 'k',
    kind: 'upgrade',
    number: 2,
    hash: 'a',
    atMs: 0,
    ...over
  })

  it('refuses a second body for one number, also after a restart', async () => {
    const file = join(directory, 'ledger')
    await openLedger(file).promise([promise()])
    await openLedger(file).promise([promise({ atMs: 5 })])
    await expect(openLedger(file).promise([promise({ hash: 'b' })])).rejects.toMatchObject({ code: 'ProposalConflict' })
    await openLedger(file).promise([promise({ hash: 'b', number: 3 }), promise({ hash: 'b', kind: 'targets' })])
    await openLedger(file).promise([promise({ hash: 'b', keyId: 'other' }), promise({ hash: 'b', network: 'other' })])
    expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(6)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('promises all or nothing', async () => {
    const file = join(directory, 'ledger')
    await openLedger(file).promise([promise()])
    await expect(openLedger(file).promise([promise({ number: 3 }), promise({ hash: 'b' })])).rejects.toMatchObject({
      code: 'ProposalConflict'
    })
    await openLedger(file).promise([promise({ number: 3, hash: 'c' })])
  })

  it('drops a last line that a crash tore, and refuses one that is damaged before it', async () => {
    const file = join(directory, 'ledger')
    await openLedger(file).promise([promise()])
    await writeFile(file, '{"format":1,"netw', { flag: 'a' })
    await openLedger(file).promise([promise({ number: 3 })])
    await expect(openLedger(file).promise([promise({ hash: 'b' })])).rejects.toMatchObject({ code: 'ProposalConflict' })
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('"format"', '"fromat"'))
    await expect(openLedger(file).promise([promise()])).rejects.toMatchObject({ code: 'BadInput', detail: { line: 1 } })
  })

  it('of two tools that promise at once, lets one win', async () => {
    const file = join(directory, 'ledger')
    const results = await Promise.allSettled(['a', 'b', 'c'].map(hash => openLedger(file).promise([promise({ hash })])))
    expect(results.filter(each => each.status === 'fulfilled')).toHaveLength(1)
  })
})
