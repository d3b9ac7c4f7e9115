import type { History, Step } from './steps.js'

/** Shrinking can be done again: the same failing history, the same smaller ones in the same order. */
export interface Shrinking {
  /** Whether a history still shows the same kind of flaw, and at which step. */
  readonly fails: (history: History) => Promise<{ readonly at: number } | undefined>
  /** Whether there is no time left. */
  readonly isOver: () => boolean
}

/** Leaves out steps, in ever smaller pieces, as long as the flaw stays (delta debugging). What can no longer happen is skipped by itself. */
export async function shrink(history: History, at: number, { fails, isOver }: Shrinking): Promise<History> {
  let steps = history.steps.slice(0, at + 1)
  const attempt = async (smaller: readonly Step[]): Promise<boolean> => {
    const failed = await fails({ ...history, steps: smaller })
    if (failed === undefined) return false
    steps = smaller.slice(0, failed.at + 1)
    return true
  }
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let removed = true
    while (removed) {
      removed = false
      for (let from = steps.length - size; from >= 0; from -= size) {
        if (isOver()) return { ...history, steps }
        if (await attempt([...steps.slice(0, from), ...steps.slice(from + size)])) removed = true
      }
      // Larger pieces are tried once; single steps until none can go.
      if (size > 1) break
    }
  }
  for (const [i, step] of steps.entries()) {
    if (isOver() || 'event' in step || step.beside === undefined) continue
    await attempt([...steps.slice(0, i), { call: step.call }, ...steps.slice(i + 1)])
  }
  return { ...history, steps }
}
