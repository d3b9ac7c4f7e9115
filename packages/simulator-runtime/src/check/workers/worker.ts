import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '@instar/core'
import { createExaminer, type Examiner } from '../examiner.js'
import type { Specification } from '../specification.js'
import { lineageOf, type Lineage, type Versions } from '../versions.js'
import type { Modules, Reply, Request, WorkerData } from './messages.js'

/** The thread that {@link createWorkerExaminer} starts: loads the modules, looks at what it is asked for, one at a time. */
const { modules, seed, folder } = workerData as WorkerData

function reply(message: Reply): void {
  parentPort?.postMessage(message)
}

/** @param instance gives modules of their own: what they keep in variables is not shared */
async function load({ versions, specifications }: Modules, instance: string): Promise<Lineage> {
  const defaults = (addresses: readonly string[]): Promise<unknown[]> =>
    Promise.all(
      addresses.map(async address => ((await import(`${address}?${instance}`)) as { default?: unknown }).default)
    )
  return lineageOf(
    (await defaults(versions)) as unknown as Versions,
    (await defaults(specifications)) as readonly Specification[]
  )
}

async function answer(examiner: Examiner, { id, what, unit }: Request): Promise<Reply> {
  try {
    return what === 'examine'
      ? { id, examined: await examiner.examine(unit) }
      : { id, failure: await examiner.explain(unit) }
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) }
  }
}

try {
  const lineage = await load(modules, 'object')
  const reference = await load(modules, 'reference')
  let starts = 0
  const reload = (): Promise<Lineage> => load(modules, `start-${++starts}`)
  const examiner = createExaminer({ lineage, reference, reload, arguments: {}, seed, folder })
  parentPort?.on('message', (request: Request | 'close') => {
    if (request === 'close') parentPort?.close()
    else void answer(examiner, request).then(reply)
  })
  reply({ ready: { unspecified: lineage.unspecified } })
} catch (error) {
  reply({ unusable: messageOf(error) })
}
