import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The `instar` command of this checkout. */
export const instarPath = fileURLToPath(new URL('../bin/instar.js', import.meta.resolve('@instar/cli')))

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs one `instar` command as its own process and waits for it. Never throws for what the command says. */
export async function runInstar(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [instarPath, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  return new Promise((resolve, fail) => {
    child.once('error', fail)
    child.once('close', code => resolve({ code, out, err }))
  })
}
