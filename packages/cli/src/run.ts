import { CallError, InstarError, messageOf } from '@instar/core'
import { CommanderError } from 'commander'
import { exitCodeOf } from './exit-code.js'
import type { Io } from './io.js'
import { createProgram } from './program.js'
import { Refused, Unwell } from './refused.js'

/** Runs one command line (without node and script) and returns its exit code. Prints a failure as one sentence, or as one object for `--json`. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    await createProgram(io).parseAsync([...argv], { from: 'user' })
    return 0
  } catch (thrown) {
    // Commander has printed its own sentence.
    if (!(thrown instanceof CommanderError)) report(thrown, argv.includes('--json'), io)
    return exitCodeOf(thrown)
  }
}

function report(thrown: unknown, asJson: boolean, io: Io): void {
  // A program has what was found, and the exit code.
  if (asJson && thrown instanceof Unwell) return
  const isOurs = thrown instanceof Refused || thrown instanceof Unwell
  const isKnown = thrown instanceof InstarError || thrown instanceof CallError || isOurs
  const code = isKnown ? thrown.code : 'Internal'
  if (asJson) {
    const detail = thrown instanceof InstarError || thrown instanceof CallError ? thrown.detail : {}
    io.out(`${JSON.stringify({ error: { code, message: messageOf(thrown), detail } })}\n`)
    return
  }
  const text = isKnown ? `${thrown.message} (${code})` : thrown instanceof Error ? thrown.stack : String(thrown)
  io.err(`instar: ${text ?? 'failed'}\n`)
}
