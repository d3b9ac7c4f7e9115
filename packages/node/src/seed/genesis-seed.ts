import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InstarError, messageOf, parseManifest } from '@instar/core'
import { z } from 'zod'

/**
 * What `instar network create` leaves in the data directory of a network's first peer, which imports it when it starts: nobody else could
 * give it these documents. They are verified like any others; the folder only says where they are.
 */
export interface GenesisSeed {
  readonly network: string
  readonly name: string
  /** Trust documents, in the order in which they verify. */
  readonly documents: readonly Uint8Array[]
  readonly descriptor: Uint8Array
  readonly bundles: readonly SeedBundle[]
}

export interface SeedBundle {
  readonly id: string
  readonly manifest: Uint8Array
  readonly files: ReadonlyMap<string, Uint8Array>
}

const folderName = 'genesis'
const documentName = (i: number) => `document-${i + 1}.json`
const indexSchema = z.strictObject({
  format: z.literal(1),
  network: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().max(200),
  /** How many trust documents there are. */
  documents: z.int().min(1).max(16),
  bundles: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(64)
})

/** Writes the seed of a first peer; `genesis.json` last, so that a folder with it is whole. */
export async function writeGenesisSeed(dataDirectory: string, seed: GenesisSeed): Promise<void> {
  const folder = join(dataDirectory, folderName)
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  for (const [i, document] of seed.documents.entries()) await write(join(folder, documentName(i)), document)
  await write(join(folder, 'descriptor.json'), seed.descriptor)
  for (const bundle of seed.bundles) {
    await write(join(folder, 'bundles', bundle.id, 'manifest.json'), bundle.manifest)
    for (const [path, bytes] of bundle.files) await write(join(folder, 'bundles', bundle.id, 'files', path), bytes)
  }
  const { network, name, documents } = seed
  const index = { format: 1, network, name, documents: documents.length, bundles: seed.bundles.map(each => each.id) }
  await write(join(folder, 'genesis.json'), Buffer.from(`${JSON.stringify(index, undefined, 2)}\n`))
}

/** The seed in a data directory, or undefined where there is none. @throws InstarError `DataDirectoryDamaged` */
export async function readGenesisSeed(dataDirectory: string): Promise<GenesisSeed | undefined> {
  const folder = join(dataDirectory, folderName)
  const text = await readFile(join(folder, 'genesis.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const index = indexSchema.parse(JSON.parse(text))
    return {
      network: index.network,
      name: index.name,
      documents: await Promise.all(
        Array.from({ length: index.documents }, (_, i) => readFile(join(folder, documentName(i))))
      ),
      descriptor: await readFile(join(folder, 'descriptor.json')),
      bundles: await Promise.all(index.bundles.map(id => readSeedBundle(join(folder, 'bundles', id), id)))
    }
  } catch (cause) {
    const message = `${folder} is damaged (${messageOf(cause)}); write it again with instar network create.`
    throw new InstarError('DataDirectoryDamaged', message, { cause })
  }
}

async function readSeedBundle(folder: string, id: string): Promise<SeedBundle> {
  const manifest = await readFile(join(folder, 'manifest.json'))
  const read = parseManifest(manifest, id)
  if (read.verdict !== 'accept') throw new InstarError('BundleInvalid', read.detail)
  const paths = read.value.files.map(file => file.path)
  const files = await Promise.all(paths.map(async path => [path, await readFile(join(folder, 'files', path))] as const))
  return { id, manifest, files: new Map(files) }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
}
