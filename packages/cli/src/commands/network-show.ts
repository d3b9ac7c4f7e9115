import { sha256Hex } from '@instar/core'
import type { Command } from 'commander'
import { readAnyTrust } from '../authoring/read-trust.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'

export function addNetworkShow(network: Command, io: Io): void {
  const command = network
    .command('show')
    .summary('what the network is, and what the peer trusts about it')
    .description(
      'Shows the network of a running peer: its id, its versions, and the trust documents that the peer holds.'
    )
    .addHelpText('after', '\nExample:\n  $ instar network show --data ./one')
    .action(async (options: PeerOptions) => {
      const output = createOutput(io, options)
      const { read, status } = await withPeer(options, io, async client => ({
        read: await readAnyTrust(client, io.now()),
        status: await client.status()
      }))
      const { network, trusted, upgrades, lines } = read
      const { policy, groups } = status.admission
      const peers = status.peers.map(({ peer, admitted, notAdmitted, certificate }) => ({
        peer,
        admitted,
        ...(notAdmitted === undefined ? {} : { notAdmitted }),
        ...(certificate === undefined ? {} : { expires: certificate.expires, serial: certificate.serial })
      }))
      const versions = upgrades.map(({ version, descriptor, bytes, forked }) => ({
        version,
        title: descriptor.title,
        createdAt: descriptor.createdAt,
        classes: descriptor.classes.map(each => each.newClass),
        descriptor: sha256Hex(bytes),
        forked
      }))
      output.result({ network, versions, freshUntilMs: trusted.freshUntilMs, policy, groups, peers }, () => {
        const rows = versions.map(each => [
          `v${each.version}${each.forked ? output.style('red', ' (forked)') : ''}`,
          each.title,
          each.createdAt,
          each.classes.join(', '),
          each.descriptor.slice(0, 16)
        ])
        const table = output.table(['VERSION', 'TITLE', 'MADE', 'CLASSES', 'DESCRIPTOR'], rows)
        if (policy === 'open') return [...lines, '', table].join('\n')
        const admissions = peers.map(each => [
          each.peer,
          each.admitted ? 'counts' : output.style('yellow', 'does not count'),
          each.expires ?? '',
          each.notAdmitted ?? ''
        ])
        return [...lines, '', table, '', output.table(['PEER', 'ADMITTED', 'UNTIL', 'REASON'], admissions)].join('\n')
      })
    })
  addPeerOptions(command)
}
