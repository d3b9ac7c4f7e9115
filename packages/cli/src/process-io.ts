import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { isatty } from 'node:tty'
import { InstarError } from '@instar/core'
import type { Io } from './io.js'

/** The process that runs the command. */
export function createProcessIo(): Io {
  const isTerminal = process.stdout.isTTY
  return {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
    isTerminal,
    // Node knows NO_COLOR, FORCE_COLOR and TERM.
    hasColours: isTerminal && process.stdout.hasColors(),
    now: () => Date.now(),
    ask: askAtTerminal,
    canAsk: isatty(0),
    askSecret: askSecretAtTerminal,
    onInterrupt(listener) {
      process.on('SIGINT', listener)
      process.on('SIGTERM', listener)
      return () => {
        process.off('SIGINT', listener)
        process.off('SIGTERM', listener)
      }
    },
    exit: code => process.exit(code)
  }
}

async function askAtTerminal(question: string): Promise<string> {
  if (!process.stdin.isTTY) throw new InstarError('BadInput', 'Nobody can answer here: say yes beforehand with --yes.')
  // Questions go beside the output, which may be read by a program.
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question(question)
  } finally {
    terminal.close()
  }
}

async function askSecretAtTerminal(question: string): Promise<string> {
  if (!process.stdin.isTTY) throw new InstarError('BadInput', 'Nobody can type a passphrase here: this is no terminal.')
  process.stderr.write(question)
  // The line editor echoes into nothing, and keeps no history of secrets.
  const output = new Writable({ write: (_, __, done) => done() })
  const terminal = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 })
  try {
    return await new Promise<string>((resolve, reject) => {
      const leave = () => reject(new InstarError('Stopped', 'No passphrase was typed; nothing was done.'))
      terminal.once('SIGINT', leave).once('close', leave)
      terminal.question('').then(resolve, reject)
    })
  } finally {
    terminal.close()
    process.stderr.write('\n')
  }
}
