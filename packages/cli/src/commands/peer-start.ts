import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { InstarError } from '@instar/core'
import type { Command } from 'commander'
import type { Io } from '../io.js'
import { addJsonOption, type JsonOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { collect } from '../options/numbers.js'
import { runPeer } from '../peer/run-peer.js'

interface Options extends JsonOptions {
  readonly data?: string
  readonly listen?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly class?: string
  readonly group?: readonly string[]
}

export function addPeerStart(peer: Command, io: Io): void {
  const command = peer
    .command('start')
    .summary('run a peer until Ctrl-C')
    .description(
      'Runs the peer of a data directory in the foreground and tells what happens. Ctrl-C stops it cleanly, a second Ctrl-C at once; either way it comes back where it was.'
    )
    .option('--data <dir>', 'its data directory (default: $INSTAR_DATA, or .instar here)')
    .option(
      '--listen <multiaddr>',
      'address to listen on; may be repeated (default: as before, or a free port on all interfaces)',
      collect
    )
    .option('--bootstrap <multiaddr>', 'a peer to connect to first; may be repeated', collect)
    .option('--class <name>', 'the class of its object (default: as before, or the only class of the network)')
    .option('--group <name>', 'a replica group that it belongs to; may be repeated', collect)
    .addHelpText(
      'after',
      `
Examples:
  $ instar peer start --data ./one
  $ instar peer start --data ./one --listen /ip4/0.0.0.0/tcp/4001 --group north`
    )
    .action(async (options: Options) => {
      const dataDirectory = dataDirectoryOf(options, io)
      await assertBegun(dataDirectory)
      await runPeer(io, options, {
        dataDirectory,
        ...(options.listen === undefined ? {} : { listen: options.listen }),
        ...(options.bootstrap === undefined ? {} : { bootstrap: options.bootstrap }),
        ...(options.class === undefined ? {} : { className: options.class }),
        ...(options.group === undefined ? {} : { groups: options.group })
      })
    })
  addJsonOption(command)
}

/** A mistyped folder must not become a data directory that belongs to no network. */
async function assertBegun(dataDirectory: string): Promise<void> {
  const signs = ['config.json', join('genesis', 'genesis.json')]
  const isThere = async (name: string) =>
    access(join(dataDirectory, name)).then(
      () => true,
      () => false
    )
  if ((await Promise.all(signs.map(isThere))).includes(true)) return
  throw new InstarError(
    'BadInput',
    `${dataDirectory} holds no peer yet: join a network with instar join, or make one with instar network create.`
  )
}
