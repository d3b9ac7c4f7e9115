import { relative, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { instarVersion } from '@instar/node/control'
import type { CheckCounts } from '@instar/simulator-runtime/check'
import { checkModules, type CheckedModules } from '../authoring/check-modules.js'
import { writeCheckRecord } from '../authoring/check-record.js'
import type { Io } from '../io.js'
import { addJsonOption, type JsonOptions } from '../options/common.js'
import { parseDuration } from '../options/duration.js'
import { collect, parseCount } from '../options/numbers.js'
import { createOutput, type Output } from '../output/output.js'
import { Refused } from '../refused.js'

interface Options extends JsonOptions {
  readonly specification?: readonly string[]
  readonly seed?: number
  readonly path?: string
  readonly budget: number
  readonly histories: number
  readonly workers?: number
  readonly out: string
}

export function addUpgradeCheck(upgrade: Command, io: Io): void {
  const count = (flags: string, words: string) => new Option(flags, words).argParser(parseCount)
  const command = upgrade
    .command('check')
    .argument('<genesis>', 'the module of version 1, as it runs')
    .argument('<upgrades...>', 'the upgrade modules after it, in order')
    .summary('look for a history of calls in which an upgrade is wrong')
    .description(
      'Runs random histories of calls at every version, with introduce, withdraw, upgrade, go back, retire, crash and restart between them, on the real classes, simulation objects and transforms, and compares every answer with the specification. The shortest history that is wrong is shown; otherwise a note for sign is left beside the proposal.'
    )
    .option(
      '--specification <file>',
      'a specification; may be repeated (default: <module>.specification.ts beside each)',
      collect
    )
    .addOption(count('--seed <number>', 'make the same histories again (default: by chance)'))
    .option('--path <path>', 'with --seed, look at the one history that a report names')
    .addOption(
      new Option('--budget <duration>', 'begin no new history after this time')
        .argParser(parseDuration)
        .default(parseDuration('60s'), '60s')
    )
    .addOption(count('--histories <number>', 'run at most so many').default(400))
    .addOption(count('--workers <number>', 'threads to use (default: one for each core)'))
    .option('-o, --out <dir>', 'the folder of the proposal, where the note is left', 'upgrade')
    .addHelpText(
      'after',
      `
Examples:
  $ instar upgrade check ./counter.ts ./counter-with-history.ts
  $ instar upgrade check ./v1.ts ./v2.ts ./v3.ts --budget 10m --histories 20000
  $ instar upgrade check ./v1.ts ./v2.ts --seed 7 --path 12`
    )
    .action(async (genesis: string, upgrades: readonly string[], options: Options) => {
      const output = createOutput(io, options)
      const stopped = new AbortController()
      const release = io.onInterrupt(() => stopped.abort(new Refused('Stopped before it was done; nothing was noted.')))
      const progress = await createProgress(io, output)
      try {
        const checked = await checkModules({
          entries: [genesis, ...upgrades].map(each => resolve(io.cwd, each)),
          specifications: options.specification?.map(each => resolve(io.cwd, each)),
          budget: { histories: options.histories, timeMs: options.budget },
          ...(options.seed === undefined ? {} : { seed: options.seed }),
          ...(options.path === undefined ? {} : { path: options.path }),
          ...(options.workers === undefined ? {} : { workers: options.workers }),
          onProgress: progress.show,
          signal: stopped.signal
        })
        progress.done()
        // One history that was looked at again says nothing about the others.
        if (options.path === undefined) await note(checked, resolve(io.cwd, options.out), io)
        await tell(checked, output, io)
      } finally {
        progress.done()
        release()
      }
    })
  addJsonOption(command)
}

interface Progress {
  readonly show: (counts: CheckCounts) => void
  readonly done: () => void
}

async function createProgress(io: Io, output: Output): Promise<Progress> {
  if (!io.isTerminal || output.isJson) return { show: () => undefined, done: () => undefined }
  const { default: logUpdate } = await import('log-update')
  return {
    show: ({ histories, calls, events }) => {
      logUpdate(`${histories} histories, ${calls} calls, ${events} events …`)
    },
    done: () => {
      logUpdate.clear()
    }
  }
}

async function note({ report, bundles }: CheckedModules, out: string, io: Io): Promise<void> {
  const { passed, seed, histories, unspecified } = report
  for (const [i, bundle] of bundles.entries()) {
    if (i === 0) continue
    await writeCheckRecord(out, {
      format: 1,
      bundle,
      passed,
      specified: !unspecified.includes(i + 1),
      seed,
      histories,
      instar: instarVersion,
      checkedAt: new Date(io.now()).toISOString()
    })
  }
}

async function tell({ report, bundles, specifications }: CheckedModules, output: Output, io: Io): Promise<void> {
  const { describeReport } = await import('@instar/simulator-runtime/check')
  const files = specifications.map(each => relative(io.cwd, each))
  output.result({ ...report, bundles, specifications: files }, () =>
    [...(files.length === 0 ? [] : [`Specified by ${files.join(', ')}.`]), describeReport(report)].join('\n')
  )
  if (report.failure !== undefined) throw new Refused(`The upgrade is wrong: ${report.failure.text}`)
}
