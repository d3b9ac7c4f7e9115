import { InstarError } from '@instar/core'
import type { AuditHead } from '@instar/node/control'
import { InvalidArgumentError, type Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { createOutput } from '../output/output.js'

interface LogOptions extends PeerOptions {
  readonly lines: number
  readonly audit?: true
}

export function addLog(program: Command, io: Io): void {
  const command = program
    .command('log')
    .summary("the last lines of the peer's log, or of its audit log")
    .description(
      "Prints the last lines of the running peer's log, oldest first; or of its audit log, which says what it trusted, refused, signed and stopped for, whether or not it runs."
    )
    .option('-n, --lines <count>', 'how many', parseLines, 50)
    .option('--audit', 'the audit log instead')
    .addHelpText('after', '\nExamples:\n  $ instar log -n 200 --data ./one\n  $ instar log --audit')
    .action(async (options: LogOptions) => {
      const output = createOutput(io, options)
      const lines =
        options.audit === true
          ? await auditLines(dataDirectoryOf(options, io), options.lines)
          : await withPeer(options, io, async client => client.log(options.lines))
      for (const line of lines) output.result({ line }, () => line)
    })
  addPeerOptions(command)
  addVerify(command, io)
}

function addVerify(log: Command, io: Io): void {
  const command = log
    .command('verify')
    .summary('check that no line of the audit log was changed, removed or moved')
    .description(
      'Follows the hash chain of the audit log from its first line to its last, across its files, and compares the end with what the running peer says, or else with its store. Names the first line that is not as it was written.'
    )
    .addHelpText('after', '\nExample:\n  $ instar log verify --data ./one')
    .action(async () => {
      // `log` knows the same options, and takes them wherever they stand.
      const options = command.optsWithGlobals<PeerOptions>()
      const { checkAudit } = await import('@instar/node/control')
      const output = createOutput(io, options)
      const directory = dataDirectoryOf(options, io)
      const { flaw, head, ...check } = await checkAudit(directory, await runningHead(options, io))
      if (flaw !== undefined) {
        const place = flaw.line === 0 ? flaw.file : `${flaw.file}, line ${flaw.line}`
        throw new InstarError(
          'AuditDamaged',
          `The audit log in ${directory} is not what the peer wrote. ${place}: ${flaw.text}. Keep the files as they are and compare them with a copy.`,
          { detail: { file: flaw.file, line: flaw.line, flaw: flaw.text } }
        )
      }
      output.result({ whole: true, ...check, head }, () =>
        [
          `The audit log is whole: ${check.lines} lines in ${check.files === 1 ? 'one file' : `${check.files} files`}, line ${check.first ?? 0} to line ${head?.seq ?? 0}.`,
          ...(check.first === 1 ? [] : [`Lines before ${check.first ?? 0} are not here.`]),
          ...(check.tornBytes === 0 ? [] : [`${check.tornBytes} bytes at its end are no whole line yet.`]),
          `head     ${head?.seq ?? 0} ${head?.hash ?? ''}`
        ].join('\n')
      )
    })
  addPeerOptions(command)
}

async function auditLines(directory: string, linesMax: number): Promise<readonly string[]> {
  const { auditTail } = await import('@instar/node/control')
  return auditTail(directory, linesMax)
}

/** Asked before the files are read: what it names must be in them. */
async function runningHead(options: PeerOptions, io: Io): Promise<AuditHead | undefined> {
  try {
    const { audit } = await withPeer(options, io, async client => client.status())
    return audit
  } catch (thrown) {
    if (thrown instanceof InstarError && thrown.code === 'PeerNotRunning') return undefined
    throw thrown
  }
}

function parseLines(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('A number of lines is between 1 and 9999.')
  return Number(text)
}
