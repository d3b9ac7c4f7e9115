import { Worker } from 'node:worker_threads'
import { watchIndex, type WatchInit, type WatchLimits } from './watch-report.js'

/** The main thread's side of the watch over its process. */
export interface Watch {
  /** Whether the event loop has to keep turning: not while a transform computes, which has a time limit of its own. */
  serving(isServing: boolean): void
}

const beatEveryMs = 100

/** Starts the watch; from then on the process ends with its peer, or when it passes a limit. */
export function startWatch(limits: WatchLimits & { readonly heapMiB: number }): Watch {
  const shared = new Int32Array(new SharedArrayBuffer(watchIndex.length * Int32Array.BYTES_PER_ELEMENT))
  const workerData: WatchInit = { ...limits, parent: process.ppid, shared }
  new Worker(new URL('./watch-worker.js', import.meta.url), { workerData }).unref()
  setInterval(() => Atomics.add(shared, watchIndex.beats, 1), beatEveryMs).unref()
  return { serving: isServing => void Atomics.store(shared, watchIndex.serving, isServing ? 1 : 0) }
}
