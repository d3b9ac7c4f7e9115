import { open } from 'node:fs/promises'
import { InstarError, messageOf } from '@instar/core'
import { assertPrivate } from './private-file.js'

const bytesMax = 8192

/**
 * The passphrase that a private file holds: its first line.
 *
 * @throws InstarError BadInput when it cannot be read or holds none, KeyUnsafe when others may read it
 */
export async function readPassphraseFile(path: string): Promise<string> {
  const text = await readStart(path)
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line === '') {
    throw new InstarError('BadInput', `The passphrase file ${path} is empty: its first line is the passphrase.`, {
      detail: { path }
    })
  }
  return line
}

async function readStart(path: string): Promise<string> {
  try {
    await assertPrivate(path)
    const file = await open(path, 'r')
    try {
      // A pipe gives what it has in several pieces, and has no size.
      const bytes = Buffer.alloc(bytesMax)
      let length = 0
      while (length < bytesMax) {
        const { bytesRead } = await file.read(bytes, length, bytesMax - length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      return bytes.toString('utf8', 0, length)
    } finally {
      await file.close()
    }
  } catch (cause) {
    if (cause instanceof InstarError) throw cause
    throw new InstarError('BadInput', `The passphrase file ${path} cannot be read: ${messageOf(cause)}.`, {
      detail: { path },
      cause
    })
  }
}
