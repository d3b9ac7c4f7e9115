import { lstat, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** `sun_path` holds 104 to 108 bytes, depending on the system. */
const pathBytesMax = 100

/** The socket of a peer lies in its data directory, or, where that path is too long, in a folder that this file names. */
const socketName = 'control.sock'
const addressName = 'control.address'

/** Where the control API of the peer in this data directory is to be reached. Does not say whether anyone listens. */
export async function findControlSocket(dataDirectory: string): Promise<string> {
  const address = await readFile(join(dataDirectory, addressName), 'utf8').catch(() => undefined)
  return address?.trim() ?? join(resolve(dataDirectory), socketName)
}

/** Makes room for the socket of a peer that holds the data directory's lock: what lies there is left over from a killed one. */
export async function prepareControlSocket(dataDirectory: string): Promise<string> {
  await removeControlSocket(dataDirectory)
  const near = join(resolve(dataDirectory), socketName)
  if (Buffer.byteLength(near) <= pathBytesMax) return near
  // A folder of a random name that only we may enter: a path that others can guess in a shared folder could be taken before us.
  const path = join(await mkdtemp(join(tmpdir(), 'instar-')), socketName)
  await writeFile(join(dataDirectory, addressName), path, { mode: 0o600 })
  return path
}

/** Removes the socket and what leads to it. */
export async function removeControlSocket(dataDirectory: string): Promise<void> {
  const path = await findControlSocket(dataDirectory)
  if (await isSocket(path)) await rm(path, { force: true })
  if (dirname(path) === resolve(dataDirectory)) return
  await rm(join(dataDirectory, addressName), { force: true })
  await rm(dirname(path), { recursive: true, force: true })
}

async function isSocket(path: string): Promise<boolean> {
  // Not there, or not ours to see: nothing to remove either way.
  return lstat(path).then(
    found => found.isSocket(),
    () => false
  )
}
