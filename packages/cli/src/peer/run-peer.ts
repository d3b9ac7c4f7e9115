import type { Peer, PeerOptions } from '@instar/node'
import { findControlSocket } from '@instar/node/control'
import { createControlClient } from '../control/control-client.js'
import type { Io } from '../io.js'
import type { JsonOptions } from '../options/common.js'
import { eventText } from '../output/event-text.js'
import { createOutput, type Output } from '../output/output.js'

/** What a shell reports for a process that was ended by Ctrl-C. */
const interruptedExitCode = 130

/** Runs a peer in this process until it is stopped, and tells what happens meanwhile. */
export async function runPeer(io: Io, options: JsonOptions, peerOptions: PeerOptions): Promise<void> {
  const output = createOutput(io, options)
  // Loaded here and nowhere else: all other commands start in a fraction of the time.
  const { createPeer } = await import('@instar/node')
  const peer = await createPeer(peerOptions)
  // Awaited below; a peer that fails before that must not end the process with a stack trace.
  peer.stopped.catch(() => undefined)
  const interrupts = stopOnInterrupt(peer, output, io)
  try {
    await serve(peer, peerOptions.dataDirectory, output).catch((thrown: unknown) => {
      // What is cut short by Ctrl-C is no failure; whether the stop is one shows next.
      if (interrupts.count === 0) throw thrown
    })
    await peer.stopped
    output.result({ stopped: true }, () => 'Stopped.')
  } finally {
    interrupts.release()
  }
}

async function serve(peer: Peer, dataDirectory: string, output: Output): Promise<void> {
  await peer.start()
  await introduce(dataDirectory, output)
  await Promise.race([peer.stopped, follow(dataDirectory, output)])
}

function stopOnInterrupt(peer: Peer, output: Output, io: Io): { readonly count: number; readonly release: () => void } {
  let count = 0
  const release = io.onInterrupt(() => {
    count++
    if (count > 1) return io.exit(interruptedExitCode)
    output.line('Stopping: running calls end first. Ctrl-C again stops at once.')
    // Whatever goes wrong shows in `stopped`, for which the command waits.
    peer.stop().catch(() => undefined)
  })
  return {
    get count() {
      return count
    },
    release
  }
}

async function introduce(dataDirectory: string, output: Output): Promise<void> {
  const client = createControlClient(await findControlSocket(dataDirectory))
  const [status, ticket] = [await client.status(), await client.ticket()]
  const { peer, network, addresses, running } = status
  output.result({ peer, network, class: status.class, addresses, running: running.version, ticket }, () =>
    [
      `peer     ${peer}`,
      status.joined
        ? `class    ${status.class}, version ${running.version}`
        : 'joining  it asks its neighbours where to begin',
      ...addresses.map(address => `listens  ${address}`),
      `ticket   ${ticket}`,
      '',
      `Ctrl-C stops it. From another terminal: instar status --data ${dataDirectory}`,
      ''
    ].join('\n')
  )
}

/** The peer's own events, over its control API like anyone's; problems as the status has them, so that each shows once. */
async function follow(dataDirectory: string, output: Output): Promise<void> {
  const client = createControlClient(await findControlSocket(dataDirectory))
  let known: readonly string[] = []
  for await (const event of client.events()) {
    if (event.type === 'status') {
      const { problems } = event.status
      for (const problem of problems.filter(each => !known.includes(each)))
        output.result({ type: 'problem', at: event.at, problem }, () => output.style('red', `! ${problem}`))
      known = problems
    }
    const text = event.type === 'problem' ? undefined : eventText(event, output)
    if (text !== undefined) output.result(event, () => text)
  }
}
