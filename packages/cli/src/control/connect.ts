import { InstarError } from '@instar/core'
import { findControlSocket } from '@instar/node/control'
import type { Io } from '../io.js'
import type { PeerOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { toWords } from '../options/duration.js'
import { createControlClient, type ControlClient } from './control-client.js'

/**
 * Runs an operation with the control API of the peer that the options name, within the time that they give.
 *
 * @throws InstarError `PeerNotRunning` or `Timeout`, or what the peer threw
 */
export async function withPeer<T>(
  options: PeerOptions,
  io: Io,
  operation: (client: ControlClient) => Promise<T>,
  limit: 'timed' | 'endless' = 'timed'
): Promise<T> {
  const directory = dataDirectoryOf(options, io)
  const signal = limit === 'timed' ? AbortSignal.timeout(options.timeout) : undefined
  try {
    return await operation(createControlClient(await findControlSocket(directory), signal))
  } catch (thrown) {
    if (signal?.aborted === true && isAbort(thrown))
      throw new InstarError('Timeout', `No answer from the peer in ${directory} within ${toWords(options.timeout)}.`, {
        cause: thrown
      })
    throw isNobodyThere(thrown) ? notRunning(directory, thrown) : thrown
  }
}

function notRunning(directory: string, cause: unknown): InstarError {
  const message = `No peer runs in ${directory}: start it with instar peer start --data ${directory}, or name another with --data.`
  return new InstarError('PeerNotRunning', message, { detail: { directory }, cause })
}

function isNobodyThere(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | undefined)?.code
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR'
}

/** An answer that is cut off while it is read ends like one whose connection broke. */
function isAbort(thrown: unknown): boolean {
  const { name, code } = (thrown ?? {}) as { name?: unknown; code?: unknown }
  return name === 'AbortError' || name === 'TimeoutError' || code === 'ECONNRESET'
}
