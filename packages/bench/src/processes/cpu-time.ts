import { readdirSync, readFileSync } from 'node:fs'

/**
 * Milliseconds of processor time that a process and all that it has started have used so far, in steps of 10 ms; undefined where the system does not say (it is read from `/proc`).
 * On a machine that others use, too, it tells more than a clock.
 */
export function cpuTimeMs(pid: number): number | undefined {
  try {
    return treeOf(pid).reduce((sum, each) => sum + ownMs(each), 0)
  } catch {
    return undefined
  }
}

function treeOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`)
  const children = tasks.flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean)
  )
  return [pid, ...children.flatMap(child => treeOf(Number(child)))]
}

function ownMs(pid: number): number {
  // The name of the command may contain anything, but ends with the last bracket.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

/** The kernel reports ticks of 1/100 s to programs whatever its own clock does. */
const tickMs = 10
