import { InstarError } from '@instar/core'
import { deriveKey, openSealedKey, type Kdf, type SealedKey } from './sealed-key.js'

/** What a passphrase is wanted for, and how many were wrong before. */
export interface PassphraseQuestion {
  /** The key's file. */
  readonly file: string
  readonly wrong: number
}

/**
 * Where a passphrase comes from: a person, a file, the environment. Whoever knows no other answer gives the same again, and the key
 * stays locked. It may throw when there is none.
 */
export type PassphraseSource = (question: PassphraseQuestion) => Promise<string>

/** Opens encrypted keys; asks as seldom as it can. */
export type Unlock = (sealed: SealedKey, label: Uint8Array, file: string) => Promise<Buffer>

const attemptsMax = 3

/**
 * Opens the keys of one keystore. Keys that are wanted at once wait for each other, so that a person is asked once: a passphrase that
 * opened one is tried on the next before anyone is asked again.
 */
export function createUnlock(source: PassphraseSource): Unlock {
  const known: string[] = []
  const derived = new Map<string, Promise<Buffer>>()
  let last: Promise<unknown> = Promise.resolve()

  function derive(kdf: Kdf, passphrase: string): Promise<Buffer> {
    const id = JSON.stringify([kdf.salt, kdf.logN, passphrase])
    const key = derived.get(id) ?? deriveKey(kdf, passphrase)
    derived.set(id, key)
    return key
  }

  async function open(sealed: SealedKey, label: Uint8Array, file: string): Promise<Buffer> {
    const tryWith = async (passphrase: string) => openSealedKey(sealed, label, await derive(sealed.kdf, passphrase))
    for (const passphrase of known) {
      const opened = await tryWith(passphrase)
      if (opened !== undefined) return opened
    }
    let before: string | undefined
    for (let wrong = 0; wrong < attemptsMax; wrong++) {
      const passphrase = await source({ file, wrong })
      // A file says the same for ever; a person may have typed the passphrase of another key.
      if (passphrase === before) break
      before = passphrase
      const opened = await tryWith(passphrase)
      if (opened === undefined) continue
      known.push(passphrase)
      return opened
    }
    throw new InstarError(
      'KeyLocked',
      `The passphrase does not open ${file}: try again with the one it was made with. If that is right, the file was changed; restore it from a copy.`,
      { detail: { path: file } }
    )
  }

  return (sealed, label, file) => {
    const opened = last.then(() => open(sealed, label, file))
    last = opened.catch(() => undefined)
    return opened
  }
}

/** For a keystore that was opened without saying where a passphrase is to come from. */
export const noPassphrase: PassphraseSource = async ({ file }) => {
  throw new InstarError(
    'KeyLocked',
    `${file} is encrypted, and no passphrase was given: give one, or say where it is.`,
    {
      detail: { path: file }
    }
  )
}

const charactersMin = 8
const charactersMax = 1024

/** @throws InstarError BadInput for a passphrase that protects nothing */
export function assertUsablePassphrase(passphrase: string): void {
  const { length: count } = passphrase
  if (count >= charactersMin && count <= charactersMax) return
  throw new InstarError(
    'BadInput',
    `A passphrase has ${charactersMin} to ${charactersMax} characters, and this one has ${count}: take several words that nobody else would put together.`
  )
}
