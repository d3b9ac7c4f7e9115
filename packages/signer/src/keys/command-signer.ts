import { spawn, type ChildProcess } from 'node:child_process'
import { InstarError, messageOf } from '@instar/core'
import { verifies, type PublicKey } from './public-key.js'
import type { Signer } from './signer.js'

/** An external program that holds a key: an agent, the tool of a hardware token, a script that asks another machine. */
export interface SigningCommand {
  /** The program and its arguments, as they are: no shell reads them. A path that is not absolute begins at the keystore. */
  readonly command: readonly string[]
  /** How long it may take; a person may have to touch a token. */
  readonly timeoutMs: number
}

/** How long a command may take that says nothing of it. */
export const commandTimeoutMs = 60_000
const outputBytesMax = 16 * 1024

/**
 * Signs by a command: it gets the bytes on standard input, what they are signed for in the environment (`INSTAR_ROLE`,
 * `INSTAR_KEY_ID`), and writes the signature to standard output, as bytes, hexadecimal or base64. What it wrote is verified before
 * anyone uses it.
 */
export function createCommandSigner(key: PublicKey, role: string, init: SigningCommand, directory: string): Signer {
  return Object.freeze({
    key,
    async sign(bytes: Uint8Array) {
      const output = await run(init, bytes, directory, { INSTAR_ROLE: role, INSTAR_KEY_ID: key.keyId })
      for (const signature of readings(output)) {
        if (verifies(key, bytes, signature.toString('hex'))) return new Uint8Array(signature)
      }
      throw failure(init, `wrote ${output.byteLength} bytes that are no signature by key ${key.keyId.slice(0, 8)}`)
    }
  })
}

function readings(output: Buffer): readonly Buffer[] {
  const text = output.toString('latin1').trim()
  return [output, Buffer.from(text.toLowerCase(), 'hex'), Buffer.from(text, 'base64')]
}

async function run(
  init: SigningCommand,
  bytes: Uint8Array,
  cwd: string,
  told: Readonly<Record<string, string>>
): Promise<Buffer> {
  const [program = '', ...args] = init.command
  // The passphrase of other keys is nothing that a program should see only because it is started from here.
  const { INSTAR_PASSPHRASE: _, ...env } = process.env
  const child = spawn(program, args, { cwd, shell: false, env: { ...env, ...told }, stdio: ['pipe', 'pipe', 'pipe'] })
  // A program that does not read what it signs still may give a signature, which then is looked at like any.
  child.stdin.on('error', () => undefined)
  child.stdin.end(bytes)
  const errors = collect(child, 'stderr')
  const output = collect(child, 'stdout')
  try {
    await ended(child, init)
  } catch (thrown) {
    const said = messageOf(errors.bytes().toString('utf8').trim())
    throw failure(init, `${messageOf(thrown)}${said === '' ? '' : `: ${said}`}`)
  }
  return output.bytes()
}

/** Keeps what a stream of the child says up to the bound, and lets the rest go by: too much of it is no signature either. */
function collect(child: ChildProcess, name: 'stdout' | 'stderr'): { readonly bytes: () => Buffer } {
  const chunks: Buffer[] = []
  let byteLength = 0
  child[name]?.on('data', (chunk: Buffer) => {
    const kept = chunk.subarray(0, outputBytesMax - byteLength)
    byteLength += kept.byteLength
    if (kept.byteLength > 0) chunks.push(kept)
  })
  return { bytes: () => Buffer.concat(chunks) }
}

function ended(child: ChildProcess, { timeoutMs }: SigningCommand): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      // What the child has started may hold the pipes open; nobody waits for that.
      for (const stream of child.stdio) stream?.destroy()
      reject(new Error(`did not answer within ${timeoutMs} ms`))
    }, timeoutMs)
    child.once('error', cause => {
      clearTimeout(timer)
      reject(new Error(`cannot be started (${messageOf(cause)})`))
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) resolve()
      else reject(new Error(code === null ? `was ended by ${signal ?? 'a signal'}` : `failed with code ${code}`))
    })
  })
}

function failure({ command }: SigningCommand, what: string): InstarError {
  return new InstarError(
    'SignerFailed',
    `The signing command ${command[0] ?? ''} ${what}. Nothing was signed with it: see that it works on its own, then try again.`,
    { detail: { command: command.slice(0, 1) } }
  )
}
