import { setTimeout as pause } from 'node:timers/promises'
import type { RehearsalReport } from '@instar/node/control'
import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { ControlClient } from '../control/control-client.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { toWords } from '../options/duration.js'
import { parseVersion } from '../options/numbers.js'
import { createOutput, type Output } from '../output/output.js'
import { toSizeWords } from '../output/size-words.js'

export function addUpgradeRehearse(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('rehearse')
    .argument('[version]', 'default: the next one', parseVersion)
    .summary('try an upgrade on a copy of the state of this peer')
    .description(
      "Copies the state of the local peer while it serves, and takes the upgrade on the copy: once whole, and twice after it was killed in the middle. All three have to build the same; the author's check and the reading of every entry have to pass. Where going back is by a reverse transform, that is gone too, and its entries are read by the old class. Says how long calls will be held, and what the upgrade needs on disk. A peer does the same by itself before it upgrades by a transform. The peer waits no time for it: --timeout does not count here, and Ctrl-C ends it."
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ instar upgrade rehearse --data ./one\n  $ instar upgrade rehearse 2 --json | jq .pauseMs'
    )
    .action(async (version: number | undefined, options: PeerOptions) => {
      const output = createOutput(io, options)
      const report = await withPeer(
        options,
        io,
        async client => {
          const rehearsing = client.rehearse(version)
          await showProgress(client, rehearsing, output)
          return rehearsing
        },
        'endless'
      )
      output.result(report, () => reportText(report))
    })
  addPeerOptions(command)
}

const lookEveryMs = 500

/** A line for each part of it, until it is over. */
async function showProgress(client: ControlClient, rehearsing: Promise<unknown>, output: Output): Promise<void> {
  const over = rehearsing.then(
    () => true,
    () => true
  )
  let shown = ''
  while (!(await Promise.race([over, pause(lookEveryMs, false)]))) {
    const { versions } = await client.status()
    const stage = versions.map(each => each.progress?.stage ?? '').find(each => /^(copying|rehearsing)/.test(each))
    if (stage === undefined || stage === shown || output.isJson) continue
    shown = stage
    output.line(stage === 'copying' ? 'Copying the state…' : `${stage.replace('rehearsing', 'Run')}…`)
  }
}

function backText({ pauseMs, entries, differs }: NonNullable<RehearsalReport['back']>): string {
  const same = differs === 0 ? 'the same as before' : `${differs} of them not as before`
  return `  going back          about ${toWords(Math.max(1, pauseMs))}, gone on the copy too: ${entries} entries, ${same}`
}

function reportText(report: RehearsalReport): string {
  const { version, entries, files, bytesBefore, bytesAfter, diskBytes, transformMs, pauseMs, elapsedMs, unread } =
    report
  const filesWords = files === 0 ? '' : ` and ${files} files`
  return [
    `The upgrade to v${version} went well on a copy of the state of v${report.stateVersion}: ${report.runs} runs built the same.`,
    `  calls will be held  about ${toWords(Math.max(1, pauseMs))}`,
    `  transform           ${toWords(Math.max(1, transformMs))}`,
    `  state               ${entries} entries${filesWords}, ${toSizeWords(bytesBefore)}; afterwards ${report.entriesAfter} entries, ${toSizeWords(bytesAfter)}`,
    `  needed on disk      ${toSizeWords(diskBytes)} beside it`,
    ...(report.back === undefined ? [] : [backText(report.back)]),
    `  took                ${toWords(elapsedMs)}`,
    ...(unread.length === 0 ? [] : [`  not decoded         ${unread.join(', ')}: no readEntry says how`])
  ].join('\n')
}
