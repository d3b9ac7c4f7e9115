import { writeSync } from 'node:fs'
import { Session } from 'node:inspector'
import { workerData } from 'node:worker_threads'
import { ownMemory } from './own-memory.js'
import {
  framesMax,
  reportDescriptor,
  toFrames,
  watchIndex,
  type StackFrame,
  type WatchInit,
  type WatchReport
} from './watch-report.js'

/**
 * The watch over a host process, in a thread of its own because code in the main thread may loop without end or take all memory. It ends
 * the process when the peer is gone (only the state's lock tells an orphan from a host, and whoever comes next must be able to open, R13),
 * when its event loop stands still, or when it takes more memory than it may. Before the last two it tells the peer what ran: V8 stops
 * a running script wherever it is and names its stack.
 */
const init = workerData as WatchInit
const { shared, parent, stallMs, memoryMiB, heapMiB } = init

const lookEveryMs = 100
/** What the main thread gets to stop and name its stack: it does so at once, unless it waits inside native code. */
const stackMs = { stalled: 2000, memory: 500 }
/** A stack is asked for again only when so much more is used. */
const seenStepMiB = 32
const bytesPerMiB = 1024 * 1024

let beats = -1
let silentTicks = 0
let seenMiB = heapMiB - seenStepMiB
let busy = false

// Ticks are counted and not a clock: a machine that slept, or this thread that was not run, is no silence of the host.
setInterval(() => {
  if (process.ppid !== parent) kill()
  if (busy) return
  const usedMiB = ownMemory() / bytesPerMiB
  if (isSilent()) {
    end(stackMs.stalled, frames => ({ type: 'stalled', silentMs: silentTicks * lookEveryMs, frames }))
  } else if (usedMiB > memoryMiB) {
    end(stackMs.memory, frames => ({ type: 'memory', usedMiB: Math.round(usedMiB), limitMiB: memoryMiB, frames }))
  } else if (usedMiB > seenMiB + seenStepMiB) {
    seenMiB = usedMiB
    busy = true
    look(stackMs.memory, frames => {
      report({ type: 'seen', frames })
      busy = false
    })
  }
}, lookEveryMs)

function isSilent(): boolean {
  const now = Atomics.load(shared, watchIndex.beats)
  const isServing = Atomics.load(shared, watchIndex.serving) === 1
  silentTicks = isServing && now === beats ? silentTicks + 1 : 0
  beats = now
  return silentTicks * lookEveryMs >= stallMs
}

function end(waitMs: number, toReport: (frames: readonly StackFrame[]) => WatchReport): void {
  busy = true
  look(waitMs, frames => {
    report(toReport(frames))
    kill()
  })
}

/** V8 names a class as its source does, where a bundler has made one letter of it; the class itself knows its name. Nothing of the author's runs. */
const className = {
  expression: 'this?.constructor?.name',
  returnByValue: true,
  silent: true,
  throwOnSideEffect: true,
  timeout: 100
} as const

/** Stops the main thread for a moment and reads its stack; empty where it cannot be stopped. Answers once. */
function look(waitMs: number, onStack: (frames: readonly StackFrame[]) => void): void {
  const session = new Session()
  let isOver = false
  let frames: Array<{ readonly function: string; of?: string | undefined }> = []
  const over = (): void => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    // Its end lets the main thread go on.
    session.disconnect()
    onStack(toFrames(frames))
  }
  const timer = setTimeout(over, waitMs)
  try {
    session.connectToMainThread()
    session.once('Debugger.paused', ({ params: { callFrames } }) => {
      const innermost = callFrames.slice(0, framesMax)
      frames = innermost.map(frame => ({ function: frame.functionName, of: frame.this.className ?? undefined }))
      let asked = innermost.length
      if (asked === 0) over()
      for (const [i, { callFrameId }] of innermost.entries()) {
        session.post('Debugger.evaluateOnCallFrame', { callFrameId, ...className }, (error, answer) => {
          const name: unknown = error === null ? answer.result.value : undefined
          if (typeof name === 'string' && frames[i] !== undefined) frames[i].of = name
          if (--asked === 0) over()
        })
      }
    })
    session.post('Debugger.enable')
    session.post('Debugger.pause')
  } catch {
    // A rehearsal's permissions exclude it: what ran then remains unnamed.
    over()
  }
}

function report(what: WatchReport): void {
  try {
    writeSync(reportDescriptor, `${JSON.stringify(what)}\n`)
  } catch {
    // The peer reads no more; that it is gone is seen at the next tick.
  }
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}
