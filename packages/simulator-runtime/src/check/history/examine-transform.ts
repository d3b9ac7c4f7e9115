import type { Transform, TransformStates } from '../../definition/define-upgrade.js'
import type { ReverseStates, ReverseTransform } from '../../definition/reverse.js'
import type { StateView } from '../../state/state-view.js'
import { Flawed, flawed } from '../flaw.js'
import { MemoryState } from '../reference/memory-state.js'

interface Inputs {
  readonly old: MemoryState
  readonly future: MemoryState
}

interface Built {
  readonly state: string
  readonly writes: number
}

/** Writes before which a transform is stopped, at most. */
const stopsMax = 8

/**
 * Whether a transform builds the same state whenever it is run, and when it is run again after it was killed at a write (R13). In memory, on
 * the states that it is about to get.
 *
 * @throws Flawed
 */
export async function examineTransform(transform: Transform, states: TransformStates): Promise<void> {
  const inputs = { old: await MemoryState.of(states.oldState), future: await MemoryState.of(states.futureState) }
  return examine(transform, inputs, 'the transform')
}

/** The same of a reverse transform. @throws Flawed */
export async function examineReverse(reverse: ReverseTransform, states: ReverseStates): Promise<void> {
  const inputs = { old: await MemoryState.of(states.newState), future: await MemoryState.of(states.pastState) }
  // What it reads is to it what old and future state are to a transform, and what it writes, what the new one is.
  const turned: Transform = ({ oldState, futureState, newState, signal }) =>
    reverse({ newState: oldState, pastState: futureState, oldState: newState, ...noFiles, signal })
  return examine(turned, inputs, 'the reverse transform')
}

async function examine(transform: Transform, inputs: Inputs, name: string): Promise<void> {
  const first = await build(transform, inputs)
  // A transform that throws is reported by the upgrade itself.
  if (first === undefined) return
  assertSame(first, await build(transform, inputs), name, 'when it is run twice')
  const stops = Math.min(first.writes, stopsMax)
  for (let i = 0; i < stops; i++) {
    const stop = Math.floor((i * first.writes) / stops)
    await build(transform, inputs, stop)
    assertSame(
      first,
      await build(transform, inputs),
      name,
      `when it is run again after it was stopped at write ${stop + 1}`
    )
  }
}

function assertSame(expected: Built, actual: Built | undefined, name: string, when: string): void {
  if (actual?.state === expected.state) return
  if (actual === undefined) throw flawed('transform', `${name} fails ${when} (R13)`)
  const lines = actual.state.split('\n')
  const before = expected.state.split('\n')
  throw flawed('transform', `${name} builds another state ${when} (R13)`, {
    expected: before.filter(line => !lines.includes(line)).join(', ') || 'nothing more',
    actual: lines.filter(line => !before.includes(line)).join(', ') || 'nothing more'
  })
}

class Killed extends Error {}

/** Classes whose state are files are not checked. */
const noFiles = { oldDirectory: '', newDirectory: '' }

/** @param stop the number of writes after which everything that it does fails, as if its process were gone */
async function build(transform: Transform, inputs: Inputs, stop = Infinity): Promise<Built | undefined> {
  const built = { new: new MemoryState(), past: new MemoryState() }
  let writes = 0
  const onWrite = (): void => {
    if (writes >= stop) throw new Killed('the process was killed')
    writes++
  }
  const run = (newState: StateView): Promise<void> =>
    built.past.change(
      pastState =>
        transform({
          ...noFiles,
          oldState: inputs.old.view(),
          futureState: inputs.future.view(),
          newState,
          pastState,
          signal: new AbortController().signal
        }),
      onWrite
    )
  try {
    await built.new.change(run, onWrite)
  } catch (error) {
    if (error instanceof Flawed) throw error
    return undefined
  }
  return { state: `${built.new.dump()}\n— past —\n${built.past.dump()}`, writes }
}
