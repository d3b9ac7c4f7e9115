import { open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InstarError, messageOf } from '@instar/core'
import { assertPrivate, syncDirectory } from './private-file.js'

/**
 * The text of a private file to which whole lines are appended; empty where there is none.
 *
 * @throws InstarError BadInput when it cannot be read, KeyUnsafe when it is open to others
 */
export async function readLineFile(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8')
    await assertPrivate(file)
    return text
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw cause instanceof InstarError
      ? cause
      : new InstarError('BadInput', `The ledger ${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

/** What each whole line says; what follows the last line end was torn by a crash. `read` throws for a damaged line. */
export function parseLines<T>(
  text: string,
  read: (json: unknown) => T,
  onDamaged: (line: number) => Error
): readonly T[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, i) => {
      try {
        return read(JSON.parse(line))
      } catch {
        throw onDamaged(i + 1)
      }
    })
}

/** Appends lines durably, in place of a torn one. Makes the file (mode 0600) when it does not exist. @param text - what was read */
export async function appendLines(file: string, text: string, values: readonly object[]): Promise<void> {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const handle = await open(file, 'a', 0o600)
  try {
    if (whole.length < text.length) await handle.truncate(Buffer.byteLength(whole))
    await handle.appendFile(values.map(each => `${JSON.stringify(each)}\n`).join(''))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await syncDirectory(dirname(file))
}
