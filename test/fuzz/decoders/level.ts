import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32c } from '@instar/core'
import { parseManifest } from '../../../packages/simulator-runtime/dist/host/open/level-log/manifest.js'
import { judgeTable } from '../../../packages/simulator-runtime/dist/host/open/level-table/judge-table.js'
import { openDatabase, writeTables } from '../../../packages/simulator-runtime/dist/host/open/database.js'
import type { Decoder } from '../decoder.js'

/** What LevelDB has written on this machine's disk, and something else may have changed. */
export async function levelDecoders(): Promise<readonly Decoder[]> {
  const files = await writtenFiles()
  const seedsOf = (name: RegExp) => [...files].flatMap(([path, bytes]) => (name.test(path) ? [bytes] : []))
  const isRangeError = (thrown: unknown) => thrown instanceof RangeError
  return [
    {
      name: 'table of LevelDB',
      covers: ['simulator-runtime:judgeTable'],
      seeds: seedsOf(/ldb$/),
      decode: bytes => judgeTable(Buffer.from(bytes)) ?? 'accept',
      seal: withIndexChecksums
    },
    {
      name: 'manifest of LevelDB',
      covers: ['simulator-runtime:parseManifest'],
      seeds: seedsOf(/^MANIFEST/),
      decode: bytes => parseManifest(Buffer.from(bytes)),
      mayThrow: isRangeError
    }
  ]
}

async function writtenFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const folder = await mkdtemp(join(tmpdir(), 'instar-fuzz-level-'))
  try {
    const db = await openDatabase(folder)
    for (let i = 0; i < 200; i++) {
      await db.put(Buffer.from(`key ${i}`), Buffer.from(`value ${i} `.repeat(1 + (i % 30))))
      if (i % 120 === 0) await writeTables(db)
    }
    await writeTables(db)
    await db.close()
    const names = (await readdir(folder)).filter(name => name !== 'LOCK')
    return new Map(await Promise.all(names.map(async name => [name, await readFile(join(folder, name))] as const)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const footerBytes = 48

/** So that what the two indices of a table say is looked at. */
function withIndexChecksums(bytes: Uint8Array): Uint8Array | undefined {
  const sealed = Buffer.from(bytes)
  let at = sealed.length - footerBytes
  if (at < 0) return undefined
  const number = (): number => {
    let value = 0
    for (let factor = 1; at < sealed.length; factor *= 128) {
      const byte = sealed.readUInt8(at++)
      value += (byte & 127) * factor
      if (byte < 128) break
    }
    return value
  }
  for (let index = 0; index < 2; index++) {
    const offset = number()
    const kindAt = offset + number()
    if (kindAt + 5 > sealed.length - footerBytes) return undefined
    const checksum = crc32c(sealed.subarray(offset, kindAt + 1))
    sealed.writeUInt32LE((((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0, kindAt + 1)
  }
  return sealed
}
