import { fork } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InstarError } from '@instar/core'
import type { InspectReply, ModuleFacts } from './module-facts.js'

/** From `src` (tests) and from `dist` alike this leads to the built file: Node cannot fork TypeScript that imports `.js`. */
const childModule = fileURLToPath(new URL('../dist/inspect-child.js', import.meta.url))
const heapMiB = 256

/**
 * Imports a built module and says what a descriptor has to say about it. It is imported in a process of its own, which may not write
 * files or start programs: what an author builds may loop, exit or flood memory.
 *
 * @throws InstarError BundleLoadFailed
 */
export async function inspectModule(path: string, options: { readonly timeoutMs?: number } = {}): Promise<ModuleFacts> {
  const { timeoutMs = 10_000 } = options
  const module = resolve(path)
  const child = fork(childModule, [module], {
    execPath: process.execPath,
    execArgv: [`--max-old-space-size=${heapMiB}`, '--permission', '--allow-fs-read=*'],
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc']
  })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)))
  const answer: { reply?: InspectReply; late?: boolean } = {}
  const timer = setTimeout(() => {
    answer.late = true
    child.kill('SIGKILL')
  }, timeoutMs)
  child.on('message', (message: InspectReply) => (answer.reply = message))
  const how = await new Promise<string>(ended => {
    child.once('error', error => ended(error.message))
    child.once('close', (code, signal) => ended(signal ?? `exit code ${code ?? '?'}`))
  })
  clearTimeout(timer)
  const { reply, late } = answer
  if (reply !== undefined && 'facts' in reply) return reply.facts
  const fatal = stderr.split('\n').find(line => line.includes('FATAL ERROR'))
  const cause =
    reply?.flaw ?? (late === true ? `it was not loaded within ${timeoutMs} ms` : (fatal ?? `its process ended: ${how}`))
  throw new InstarError('BundleLoadFailed', `The module ${module} cannot be used: ${cause}.`, {
    detail: { path: module }
  })
}
