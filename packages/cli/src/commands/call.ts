import { inspect } from 'node:util'
import { InstarError, type Json } from '@instar/core'
import type { DescribedContract } from '@instar/node/control'
import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { toWords } from '../options/duration.js'
import { parseVersion } from '../options/numbers.js'
import { createOutput, type Output } from '../output/output.js'
import { resolvePeer, shortPeer } from '../output/peer-name.js'

interface Options extends PeerOptions {
  readonly peer?: string
  readonly atVersion?: number
  readonly class?: string
  readonly describe?: boolean
}

/** The peer must have time to give its own answer before we give up on it. */
const graceMs = 1000

export function addCall(program: Command, io: Io): void {
  const command = program
    .command('call')
    .argument('[method]', 'a method of the class')
    .argument('[args...]', 'its arguments, each as JSON; what is not JSON is taken as text')
    .summary('call a method of an object, at any version that is served')
    .description(
      'Calls an object of the network through the local peer. A call that arrives while its object is being upgraded waits or is retried until the timeout, and runs once.'
    )
    .option('--peer <id>', 'whose object (default: the local one, or any of --class)')
    .option(
      '--at-version <version>',
      'as a caller of this version (default: the one that the local peer runs)',
      parseVersion
    )
    .option('--class <name>', 'the class, to reach any live object of it')
    .option('--describe', 'call nothing: show the methods of that version there, and which are disallowed and why')
    .addHelpText(
      'after',
      `
Examples:
  $ instar call insert 7
  $ instar call contains 7 --peer kWq3xYzA
  $ instar call insertColor 7 red --at-version 2
  $ instar call put '{"key":"a"}' --json
  $ instar call --describe --at-version 2`
    )
    .action(async (method: string | undefined, args: readonly string[], options: Options) => {
      const output = createOutput(io, options)
      if (options.describe === true) {
        await describe(method, options, io, output)
        return
      }
      if (method === undefined)
        throw new InstarError('BadInput', 'Name a method, or give --describe to see which there are.')
      const outer = { ...options, timeout: options.timeout + graceMs }
      const answer = await withPeer(outer, io, async client =>
        client.call({
          method,
          args: args.map(parseArgument),
          timeoutMs: options.timeout,
          peer: options.peer === undefined ? undefined : resolvePeer(options.peer, await client.status()),
          version: options.atVersion,
          class: options.class
        })
      )
      output.result(answer, () => {
        const where = `v${answer.version} at ${shortPeer(answer.peer)}, ${toWords(answer.durationMs)}`
        return `${inspect(answer.result, { depth: 10, breakLength: 100, compact: 10, colors: io.hasColours })}  ${output.style('dim', `(${where})`)}`
      })
    })
  addPeerOptions(command, '10s')
}

/** R8: what a caller may ask before it calls; of one method, or of all. */
async function describe(method: string | undefined, options: Options, io: Io, output: Output): Promise<void> {
  const outer = { ...options, timeout: options.timeout + graceMs }
  const contract = await withPeer(outer, io, async client =>
    client.contract({
      timeoutMs: options.timeout,
      peer: options.peer === undefined ? undefined : resolvePeer(options.peer, await client.status()),
      version: options.atVersion,
      class: options.class
    })
  )
  const methods = contract.methods.filter(({ name }) => method === undefined || name === method)
  output.result({ ...contract, methods }, () => contractText({ ...contract, methods }, output))
}

const servers = {
  object: 'the object itself',
  past: 'a past simulation object',
  future: 'a future simulation object'
} as const

function contractText({ className, version, role, peer, methods }: DescribedContract, output: Output): string {
  const rows = methods.map(({ name, kind, disallowed }) => [
    name,
    kind,
    disallowed === undefined ? '' : output.style('yellow', `disallowed: ${disallowed}`)
  ])
  return [
    `${className} v${version} at ${shortPeer(peer)}, served by ${servers[role]}`,
    '',
    output.table(['METHOD', 'KIND', ''], rows)
  ].join('\n')
}

function parseArgument(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    // A bare word is the commonest argument of all, and quoting it for shell and JSON both is no one's joy.
    return text
  }
}
