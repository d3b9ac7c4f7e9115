import { messageOf } from '@instar/core'
import {
  createTransformRehearsal,
  type RehearsalRun,
  type TransformRehearsalInit
} from '@instar/simulator-runtime/host'
import type { FromHost, ToHost } from './control-messages.js'

type Rehearse = Extract<ToHost, { type: 'rehearse' }>

interface ChildRehearsal {
  load(): Promise<void>
  /** Sends `rehearsed`; then, where that is asked for, begins once more and dies on the way. */
  rehearse(message: Rehearse): Promise<void>
}

/** The scratch process of a rehearsal on a copy of the state (R13): its one object is the transform. */
export function createChildRehearsal(
  init: Omit<TransformRehearsalInit, 'signal'>,
  send: (message: FromHost, then?: () => void) => void
): ChildRehearsal {
  // A process that is not wanted any more is killed: that is what it is for.
  const { signal } = new AbortController()
  const rehearsal = createTransformRehearsal({ ...init, signal })

  async function dieOnTheWay(run: RehearsalRun, first: RehearsalRun['spaces'], share: number): Promise<void> {
    // Not in good order: whatever is not on disk is to be lost, as when a peer is killed.
    const die = (): void => void process.kill(process.pid, 'SIGKILL')
    // What reads and writes only files is killed by the peer, by the clock.
    const at = run.operations === 0 ? Infinity : Math.max(1, Math.floor(run.operations * share))
    await rehearsal.begin(first, at, die)
    if (run.operations > 0) die()
  }

  return {
    load: () => rehearsal.load(),
    async rehearse({ first, thenDieAt }) {
      const run = await rehearsal.run(first)
      send({ type: 'rehearsed', run }, () => {
        if (thenDieAt === undefined) return
        dieOnTheWay(run, first ?? run.spaces, thenDieAt).catch((thrown: unknown) => {
          // It did not throw the first time; the next process says what it does.
          process.stderr.write(`the interrupted run failed before it was interrupted: ${messageOf(thrown)}\n`)
          process.kill(process.pid, 'SIGKILL')
        })
      })
    }
  }
}
