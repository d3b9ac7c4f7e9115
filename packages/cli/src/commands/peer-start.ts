import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { PeerOptions as NodeOptions } from '@instar/node'
import { InvalidArgumentError, type Command } from 'commander'
import type { Io } from '../io.js'
import { addJsonOption, type JsonOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { collect } from '../options/numbers.js'
import { addPassphraseOption, passphraseOf, type PassphraseOptions } from '../options/passphrase.js'
import { runPeer } from '../peer/run-peer.js'

interface Options extends JsonOptions, PassphraseOptions {
  readonly data?: string
  readonly listen?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly class?: string
  readonly group?: readonly string[]
  readonly confineHosts?: boolean
  readonly onlineKeys?: string
  readonly signer?: { readonly index: number; readonly signers: number }
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
    .option(
      '--confine-hosts',
      'let hosts read and write files only of their own code and state (default: as before, or not)'
    )
    .option('--no-confine-hosts', 'take that back')
    .option(
      '--online-keys <dir>',
      'keystore with a snapshot key and a timestamp key: the peer renews the trust documents with them, and signs for publishers who have none'
    )
    .option('--signer <i/S>', 'where S peers have online keys: this is number i of them, from 1', parseSigner)
    .addHelpText(
      'after',
      `
Examples:
  $ instar peer start --data ./one
  $ instar peer start --data ./one --listen /ip4/0.0.0.0/tcp/4001 --group north
  $ instar peer start --data ./one --online-keys ./online --passphrase-file ./secret --signer 1/2`
    )
    .action(async (options: Options) => {
      const dataDirectory = dataDirectoryOf(options, io)
      await assertBegun(dataDirectory)
      await runPeer(io, options, {
        dataDirectory,
        ...(options.listen === undefined ? {} : { listen: options.listen }),
        ...(options.bootstrap === undefined ? {} : { bootstrap: options.bootstrap }),
        ...(options.class === undefined ? {} : { className: options.class }),
        ...(options.group === undefined ? {} : { groups: options.group }),
        ...(options.confineHosts === undefined ? {} : { confineHosts: options.confineHosts }),
        ...onlineKeysOf(options, io)
      })
    })
  addJsonOption(addPassphraseOption(command))
}

function onlineKeysOf(options: Options, io: Io): Pick<NodeOptions, 'onlineKeys'> {
  const { onlineKeys, signer } = options
  if (onlineKeys !== undefined)
    return { onlineKeys: { directory: resolve(io.cwd, onlineKeys), passphrase: passphraseOf(options, io), ...signer } }
  if (signer === undefined && options.passphraseFile === undefined) return {}
  throw new InstarError('BadInput', '--signer and --passphrase-file say how --online-keys are used: give that as well.')
}

/** `2/3` is the second of three; the third one uses the numbers without remainder. @throws InvalidArgumentError */
function parseSigner(text: string): { index: number; signers: number } {
  const [, i = '', s = ''] = /^([1-9]\d?)\/([1-9]\d?)$/.exec(text) ?? []
  if (i === '' || Number(i) > Number(s))
    throw new InvalidArgumentError('A signer is i/S, for example 1/2 and 2/2 for the two signers of a network.')
  return { index: Number(i) % Number(s), signers: Number(s) }
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
