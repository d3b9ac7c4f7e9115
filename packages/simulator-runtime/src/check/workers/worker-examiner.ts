import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Examined, Examiner, Unit } from '../examiner.js'
import type { CheckFailure } from '../report.js'
import { pathOf } from '../examiner.js'
import type { Modules, Reply, WorkerData } from './messages.js'

/** From `src` (tests) and from `dist` alike this leads to the built file: a worker does not start from TypeScript. */
const workerModule = fileURLToPath(new URL('../../../dist/check/workers/worker.js', import.meta.url))
/** A history takes a tenth of a second, shrinking ten; who takes longer hangs. */
const unitMsMax = 60_000

export function describeModules(
  versions: ReadonlyArray<string | URL>,
  specifications: ReadonlyArray<string | URL>
): Modules {
  const address = (each: string | URL): string =>
    each instanceof URL || each.startsWith('file:') ? String(each) : pathToFileURL(resolve(each)).href
  return { versions: versions.map(address), specifications: specifications.map(address) }
}

/** @throws TypeError when the modules cannot be checked */
export async function createWorkerExaminer(
  data: WorkerData
): Promise<{ readonly examiner: Examiner; readonly unspecified: readonly number[] }> {
  const worker = new Worker(workerModule, { workerData: data, stdout: true, stderr: true })
  const waiting = new Map<number, (reply: Reply | Error) => void>()
  const { promise: ready, resolve: isReady, reject: isUnusable } = Promise.withResolvers<readonly number[]>()
  let ids = 0
  let isClosed = false

  const giveUp = (error: Error): void => {
    isUnusable(error)
    for (const settle of waiting.values()) settle(error)
    waiting.clear()
  }
  worker.on('error', giveUp)
  worker.on('exit', code => giveUp(new Error(`The worker of a check ended with exit code ${code}.`)))
  worker.on('message', (message: Reply) => {
    if ('ready' in message) isReady(message.ready.unspecified)
    else if ('unusable' in message) isUnusable(new TypeError(message.unusable))
    else {
      waiting.get(message.id)?.(message)
      waiting.delete(message.id)
    }
  })

  async function ask(what: 'examine' | 'explain', unit: Unit): Promise<Reply> {
    if (isClosed) throw new Error('The check was stopped.')
    const id = ++ids
    const { promise, resolve } = Promise.withResolvers<Reply | Error>()
    waiting.set(id, resolve)
    const timer = setTimeout(() => {
      giveUp(new Error(`The code under check did not come back from history ${pathOf(unit)} within ${unitMsMax} ms.`))
      void worker.terminate()
    }, unitMsMax)
    worker.postMessage({ id, what, unit })
    const reply = await promise
    clearTimeout(timer)
    if (reply instanceof Error) throw reply
    if ('error' in reply) throw new Error(reply.error)
    return reply
  }

  const close = async (): Promise<void> => {
    if (isClosed) return
    isClosed = true
    const gone = new Promise(resolve => worker.once('exit', resolve))
    if (waiting.size === 0) worker.postMessage('close')
    else void worker.terminate()
    await gone
  }

  try {
    const unspecified = await ready
    return {
      unspecified,
      examiner: {
        examine: async unit => ((await ask('examine', unit)) as { readonly examined: Examined }).examined,
        explain: async unit => ((await ask('explain', unit)) as { readonly failure?: CheckFailure }).failure,
        close
      }
    }
  } catch (error) {
    await worker.terminate()
    throw error
  }
}
