import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Updater } from 'tuf-js'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeNetwork, type TestNetwork } from '../../test/authors.js'
import { knows, stoppedPeer, theBundle, within } from '../../test/carried.js'
import { temporaryDirectory } from '../../test/peers.js'
import { dataPaths } from '../store/data-paths.js'
import { exportMirror, type ExportedMirror } from './export-mirror.js'
import { createHttpFetcher } from './http-fetcher.js'
import { importMirror } from './import-mirror.js'
import { openMirror } from './open-mirror.js'

let net: TestNetwork
let documents: readonly Uint8Array[]
/** Knows two versions, and holds their bundle. */
let author: string
/** What it exported. */
let mirror: string
let exported: ExportedMirror

beforeAll(async () => {
  net = await makeNetwork()
  documents = [...net.documents, ...(await net.next())]
  author = await stoppedPeer(net.network, documents, true)
  mirror = join(await temporaryDirectory(), 'mirror')
  exported = await exportFrom(author, mirror)
})

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(done => server.close(done))
  }
})

function exportFrom(directory: string, to: string): Promise<ExportedMirror> {
  return within(directory, async peer =>
    exportMirror({
      network: peer.network,
      trusted: await peer.trustDocuments(),
      directory: to,
      nowMs: Date.now(),
      bundles: dataPaths(directory).bundles
    })
  )
}

function importTo(directory: string, source: string) {
  return within(directory, peer =>
    importMirror({ peer, mirror: openMirror(source, { cwd: '/' }), nowMs: Date.now(), withBundles: true })
  )
}

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Any web server of static files. */
function serve(directory: string): Promise<string> {
  return listen((request, response) => {
    readFile(resolve(directory, `.${decodeURIComponent(request.url ?? '')}`)).then(
      bytes => response.end(bytes),
      () => response.writeHead(404).end()
    )
  })
}

/** A copy that may be spoiled. */
async function copyOfMirror(): Promise<string> {
  const copy = join(await temporaryDirectory(), 'mirror')
  await cp(mirror, copy, { recursive: true })
  return copy
}

describe('a static mirror', () => {
  it('is an ordinary TUF repository: tuf-js reads it over HTTP and finds the descriptor', async () => {
    expect(exported).toMatchObject({ kept: 0, bundles: [theBundle], missingBundles: [] })
    const url = await serve(mirror)
    const directory = await mkdtemp(join(tmpdir(), 'instar-tuf-js-'))
    try {
      await cp(join(mirror, 'metadata', '1.root.json'), join(directory, 'root.json'))
      const updater = new Updater({
        metadataDir: directory,
        metadataBaseUrl: `${url}/metadata`,
        targetDir: directory,
        targetBaseUrl: `${url}/targets`
      })
      await updater.refresh()
      const target = await updater.getTargetInfo('upgrades/2')
      expect(target).toBeDefined()
      const path = await updater.downloadTarget(target!)
      expect(Buffer.from(documents.at(-1)!).equals(await readFile(path))).toBe(true)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it.each(['directory', 'address'])('is taken by a new peer from a %s, code included', async kind => {
    const peer = await stoppedPeer(net.network)
    const source = kind === 'directory' ? mirror : await serve(mirror)
    expect(await importTo(peer, source)).toMatchObject({ unused: 0, bundles: [theBundle], missingBundles: [] })
    expect(await knows(peer)).toEqual(await knows(author))
    expect(await importTo(peer, source)).toMatchObject({ documents: 0, bundles: [] })
  })

  it('is only added to, and its timestamp goes last', async () => {
    const directory = await copyOfMirror()
    expect(await exportFrom(author, directory)).toMatchObject({ written: 0 })
    const newer = await stoppedPeer(net.network, [...documents, ...(await net.refresh())], true)
    expect(await exportFrom(newer, directory)).toMatchObject({ written: 1 })
    const names = await readdir(join(directory, 'metadata'))
    expect(names.filter(each => each.endsWith('.new'))).toEqual([])
  })

  it('that is behind takes nothing back', async () => {
    const ahead = await stoppedPeer(net.network, [...documents, ...(await net.next())])
    const before = await knows(ahead)
    expect(await importTo(ahead, mirror)).toMatchObject({ documents: 0 })
    expect(await knows(ahead)).toEqual(before)
  })

  it('is not made of a view that no timestamp vouches for, and why is said', async () => {
    const [root, targets] = documents
    const directory = join(await temporaryDirectory(), 'mirror')
    await expect(exportFrom(await stoppedPeer(net.network), directory)).rejects.toThrow('does not know the network')
    const halfway = await stoppedPeer(net.network, [root!, targets!])
    await expect(exportFrom(halfway, directory)).rejects.toThrow('no timestamp and snapshot of it')
    const other = await makeNetwork()
    const news = await other.next()
    const targetsOnly = news.filter(
      each => Buffer.from(each).includes('"_type":"targets"') || !Buffer.from(each).includes('"signed"')
    )
    const unvouched = await stoppedPeer(other.network, [...other.documents, ...targetsOnly])
    await expect(exportFrom(unvouched, directory)).rejects.toThrow('a peer with online keys will write one')
    const incomplete = await stoppedPeer(net.network, documents.slice(0, -1))
    await expect(exportFrom(incomplete, directory)).rejects.toThrow('for version 2 is not here')
    const old = await makeNetwork({}, Date.now() - 30 * 86_400_000)
    await expect(exportFrom(await stoppedPeer(old.network, old.documents), directory)).rejects.toThrow(
      'was fresh only until'
    )
  })
})

describe('a mirror that is not to be trusted', () => {
  it('arbitrary software: the mirror of another network', async () => {
    const peer = await stoppedPeer((await makeNetwork()).network)
    await expect(importTo(peer, mirror)).rejects.toMatchObject({ code: 'MirrorRefused' })
    expect(await knows(peer)).toMatchObject({ documents: 0 })
  })

  it.each(['metadata', 'targets', 'bundles'])('wrong length or hash below %s ends the import', async place => {
    const directory = await copyOfMirror()
    const files = (await readdir(join(directory, place), { recursive: true, withFileTypes: true })).filter(each =>
      each.isFile()
    )
    const peer = await stoppedPeer(net.network)
    for (const { parentPath, name } of files.filter(each => each.name !== '1.root.json')) {
      const bytes = await readFile(join(parentPath, name))
      await writeFile(join(parentPath, name), Buffer.concat([bytes.subarray(1), bytes.subarray(0, 1)]))
    }
    await expect(importTo(peer, directory)).rejects.toThrow()
    expect(await within(peer, each => each.bundle(theBundle))).toMatchObject({ complete: false })
  })

  it('link tricks: no link leads out of the directory, and no pipe is waited for', async () => {
    const timestamp = (directory: string) => join(directory, 'metadata', 'timestamp.json')
    const peer = await stoppedPeer(net.network)
    const out = await copyOfMirror()
    await rm(timestamp(out))
    await symlink(timestamp(mirror), timestamp(out))
    await expect(importTo(peer, out)).rejects.toThrow('a link leads out of the mirror')
    const folder = await copyOfMirror()
    await rm(join(folder, 'metadata'), { recursive: true })
    await symlink(join(mirror, 'metadata'), join(folder, 'metadata'))
    // The folder itself may be a link: that is where the operator pointed.
    expect(await importTo(peer, folder)).toMatchObject({ unused: 0 })
    const pipe = await copyOfMirror()
    await rm(timestamp(pipe))
    await promisify(execFile)('mkfifo', [timestamp(pipe)])
    await expect(importTo(peer, pipe)).rejects.toThrow('not an ordinary file')
    const inside = await copyOfMirror()
    await rm(timestamp(inside))
    await mkdir(timestamp(inside))
    await expect(importTo(peer, inside)).rejects.toThrow('not an ordinary file')
  })

  it('endless data: a file ends where its greatest length does', async () => {
    let sent = 0
    const url = await listen((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20))) sent += 65_536
      }
      response.on('drain', more)
      more()
    })
    const peer = await stoppedPeer(net.network, documents)
    await expect(importTo(peer, url)).rejects.toThrow('longer than the 512000 bytes')
    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  it('slow retrieval: silence ends, and so does a drop now and then', async () => {
    const fetcherOf = (url: string) =>
      createHttpFetcher({ metadataUrl: url, targetsUrl: url, patience: { silenceMs: 200, wholeMs: 600 } })
    const silent = await listen(() => undefined)
    await expect(fetcherOf(silent).fetch('metadata', ['timestamp.json'], 100)).rejects.toMatchObject({
      code: 'Timeout'
    })
    const dropping = await listen((_, response) => {
      const timer = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(timer))
    })
    await expect(fetcherOf(dropping).fetch('metadata', ['timestamp.json'], 1000)).rejects.toMatchObject({
      code: 'Timeout'
    })
  })

  it('follows no redirect, and tells a broken server from a missing file', async () => {
    const url = await listen((request, response) => {
      const status = { '/a': 302, '/b': 500, '/c': 404, '/d': 403 }[request.url ?? ''] ?? 200
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('x')
    })
    const fetcher = createHttpFetcher({ metadataUrl: url, targetsUrl: url })
    await expect(fetcher.fetch('metadata', ['a'], 10)).rejects.toMatchObject({ code: 'MirrorRefused' })
    await expect(fetcher.fetch('metadata', ['b'], 10)).rejects.toMatchObject({ code: 'Unreachable' })
    expect(await fetcher.fetch('metadata', ['c'], 10)).toBeUndefined()
    expect(await fetcher.fetch('metadata', ['d'], 10)).toBeUndefined()
    expect(await fetcher.fetch('metadata', ['e'], 10)).toEqual(new Uint8Array(Buffer.from('x')))
    expect(() => createHttpFetcher({ metadataUrl: 'file:///etc', targetsUrl: url })).toThrow(
      'not the address of a mirror'
    )
    const nobody = createHttpFetcher({ metadataUrl: 'http://127.0.0.1:1', targetsUrl: url })
    await expect(nobody.fetch('metadata', ['e'], 10)).rejects.toMatchObject({ code: 'Unreachable' })
  })
})
