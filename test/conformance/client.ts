#!/usr/bin/env node
// The door of the public TUF client conformance suite: `init`, `refresh` and `download` as its command line protocol prescribes them, on
// the repository source of the signer and the HTTP fetcher of the node.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createHttpFetcher } from '@instar/node/mirror'
import { RepositoryClient, type FoundTarget, type RepositoryStore } from '@instar/signer'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'metadata-dir': { type: 'string' },
    'metadata-url': { type: 'string' },
    'target-base-url': { type: 'string' },
    'target-dir': { type: 'string' },
    'target-name': { type: 'string', multiple: true }
  }
})

function given(name: 'metadata-dir' | 'metadata-url' | 'target-base-url' | 'target-dir'): string {
  const value = values[name]
  if (value === undefined) throw new Error(`--${name} is missing`)
  return value
}

const store: RepositoryStore = {
  read: file => readIfThere(join(given('metadata-dir'), file)),
  write: (file, bytes) => replace(join(given('metadata-dir'), file), bytes)
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, bytes)
  await rename(`${path}.new`, path)
}

function openClient(targetsUrl: string): RepositoryClient {
  const fetcher = createHttpFetcher({ metadataUrl: given('metadata-url'), targetsUrl })
  return new RepositoryClient({ fetcher, store, nowMs: Date.now() })
}

async function refresh(): Promise<void> {
  await openClient(given('metadata-url')).refresh()
}

async function download(): Promise<void> {
  const directory = given('target-dir')
  await mkdir(directory, { recursive: true })
  const client = openClient(given('target-base-url'))
  for (const name of values['target-name'] ?? []) {
    const target = await client.find(name)
    if (target === undefined) throw new Error(`no role that is trusted with ${name} names it`)
    const path = join(directory, encodeURIComponent(name))
    if (!(await isStored(path, target))) await replace(path, await client.download(target))
  }
}

async function isStored(path: string, { facts }: FoundTarget): Promise<boolean> {
  const bytes = await readIfThere(path)
  if (bytes?.byteLength !== facts.byteLength) return false
  const hashes = [...(facts.hashes ?? [])]
  return hashes.length > 0 && hashes.every(([name, hash]) => createHash(name).update(bytes).digest('hex') === hash)
}

async function run(): Promise<void> {
  const [command, file] = positionals
  if (command === 'init' && file !== undefined) return store.write('root.json', await readFile(file))
  if (command === 'refresh') return refresh()
  if (command === 'download') return download()
  throw new Error('usage: client.ts --metadata-dir <dir> [--metadata-url <url> …] init <root>|refresh|download')
}

try {
  await run()
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  process.exitCode = 1
}
