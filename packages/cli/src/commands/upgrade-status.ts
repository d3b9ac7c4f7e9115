import { InstarError, type Phase } from '@instar/core'
import type { PeerStatus } from '@instar/node/control'
import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { parseVersion } from '../options/numbers.js'
import { createOutput, type Output } from '../output/output.js'
import { shortPeer } from '../output/peer-name.js'
import { neededText } from '../output/needed-text.js'
import { colourPhase } from '../output/status-text.js'

export function addUpgradeStatus(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('status')
    .argument('[version]', 'default: the newest', parseVersion)
    .summary('how far an upgrade has come, peer by peer')
    .description(
      'Shows one version at every known peer: its phase there, and why it waits. Then who still needs each version below that this peer goes on serving, and what would retire it.'
    )
    .addHelpText('after', '\nExample:\n  $ instar upgrade status 2')
    .action(async (asked: number | undefined, options: PeerOptions) => {
      const output = createOutput(io, options)
      const status = await withPeer(options, io, async client => client.status())
      const version = asked ?? status.newest
      if (version > status.newest)
        throw new InstarError('UnknownVersion', `Version ${version} is not known here; the newest is ${status.newest}.`)
      // What strangers announce counts nowhere (R21), so not here either.
      const admitted = status.peers.filter(each => each.admitted)
      const peers = [self(status, version), ...admitted.map(peer => phaseAt(peer, version))]
      const done = peers.filter(peer => peer.running >= version).length
      const title = status.versions.find(each => each.version === version)?.title
      const needed = status.needed.filter(each => each.version <= version)
      output.result({ version, title, running: done, peers, needed }, () =>
        [
          `v${version}${title === undefined ? '' : ` ${title}`}: ${done} of ${peers.length} peers run it or a later one.`,
          '',
          output.table(
            ['PEER', 'CLASS', 'RUNS', 'PHASE', 'REASON'],
            peers.map(each => [
              shortPeer(each.peer),
              each.class,
              `v${each.running}`,
              phaseWords({ phase: each.phase, isDone: each.running >= version }, output),
              each.reason ?? ''
            ])
          ),
          ...needed.flatMap(each => ['', neededText(each)])
        ].join('\n')
      )
    })
  addPeerOptions(command)
}

function self(status: PeerStatus, version: number) {
  return phaseAt({ ...status, running: status.running.version }, version)
}

function phaseAt(peer: Pick<PeerStatus['peers'][number], 'peer' | 'class' | 'running' | 'versions'>, version: number) {
  const at = peer.versions.find(each => each.version === version)
  return { peer: peer.peer, class: peer.class, running: peer.running, phase: at?.phase, reason: at?.reason }
}

/** A peer speaks only of what is not settled: one that runs the version and is silent about it has committed it. */
function phaseWords({ phase, isDone }: { phase: Phase | undefined; isDone: boolean }, output: Output): string {
  if (phase !== undefined) return colourPhase(phase, output)
  return isDone ? 'settled' : 'not known'
}
