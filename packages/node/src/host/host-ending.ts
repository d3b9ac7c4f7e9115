import type { HostPlan } from '@instar/core'
import type { FacadeDescription } from '@instar/simulator-runtime/host'
import type { ProcessExit } from './process-exit.js'
import type { StackFrame } from './watch-report.js'

/** A method that was under way in a host when it ended. */
export interface Running {
  readonly className: string
  readonly revision: number
  readonly method: string
}

/** Why a host ended, and whose doing that was, as far as it is known. */
export interface HostEnding {
  /** One sentence for people, without a full stop: what happened, and which class, version and method ran. */
  readonly cause: string
  /** What callers of a method learn that brought its host down; undefined where a host ended for a reason of its own. */
  readonly kind: 'stalled' | 'memory' | 'crashed' | undefined
  /** The façade whose code ran, and its methods on the stack, innermost first; or the only method that was under way. */
  readonly blame: Blame | undefined
}

interface Blame {
  readonly className: string
  readonly revision: number
  readonly role: FacadeDescription['role']
  readonly method: string
  /** Every call that came by one of these was in it. */
  readonly entries: readonly Running[]
}

/**
 * Judges the end of a host: by its stack where the watch could read one, else by the calls that were under way, if they are all of one
 * method and no code but its façade's could have run for them.
 *
 * @param underWay methods of calls that the host had and did not answer, each once
 */
export function judge(
  exit: ProcessExit,
  plan: HostPlan,
  facades: readonly FacadeDescription[],
  underWay: readonly Running[]
): HostEnding {
  const kind = kindOf(exit)
  const blame =
    kind === undefined ? undefined : (fromStack(framesOf(exit), facades) ?? fromCalls(kind, plan, facades, underWay))
  const ran = blame === undefined ? underWay : [blame]
  return { cause: sentenceOf(exit, plan, ran), kind, blame }
}

/** Whether a call was in what brought its host down. */
export function isGuilty({ kind, blame }: HostEnding, call: { revision: number; method: string }): boolean {
  if (kind !== 'stalled' && kind !== 'memory') return false
  return blame !== undefined && isOf(blame, call)
}

/** Whether a call was in the method that is to blame, or in one that had called it. */
export function isOf({ entries }: Blame, call: { revision: number; method: string }): boolean {
  return entries.some(each => each.revision === call.revision && each.method === call.method)
}

export function runningName({ className, revision, method }: Running): string {
  return `${className} version ${revision}, ${method}`
}

function kindOf(exit: ProcessExit): HostEnding['kind'] {
  if (exit.watch?.type === 'stalled') return 'stalled'
  if (exit.watch?.type === 'memory' || isHeapFull(exit)) return 'memory'
  // A signal comes from outside: an operator's kill says nothing about the code.
  return exit.signal === null || exit.signal === 'SIGABRT' || exit.signal === 'SIGSEGV' ? 'crashed' : undefined
}

function isHeapFull({ lastStderr }: ProcessExit): boolean {
  return /heap out of memory|Reached heap limit/.test(lastStderr)
}

function framesOf(exit: ProcessExit): readonly StackFrame[] {
  if (exit.watch === undefined) return []
  // What was seen when memory grew is of use only where memory ended it.
  return exit.watch.type === 'seen' && !isHeapFull(exit) ? [] : exit.watch.frames
}

function fromStack(frames: readonly StackFrame[], facades: readonly FacadeDescription[]): Blame | undefined {
  const found: Array<{ facade: FacadeDescription; method: string }> = []
  for (const { function: name, of } of frames) {
    const bearers = facades.filter(each => each.implementation === of)
    const facade = bearers.length === 1 ? bearers[0] : bearers.find(each => isMethod(each, name))
    if (facade === undefined) continue
    const inner = found.at(-1)
    // A method calls others of its own class, which are no entries: the outermost of them is what was called.
    if (inner?.facade !== facade) found.push({ facade, method: name })
    else if (isMethod(facade, name)) inner.method = name
  }
  const [innermost] = found
  if (innermost === undefined) return undefined
  const toRunning = ({ facade: { className, revision }, method }: (typeof found)[number]): Running => ({
    className,
    revision,
    method
  })
  return { ...toRunning(innermost), role: innermost.facade.role, entries: found.map(toRunning) }
}

/** A shadow is named by its method with `$` before it. */
function isMethod(facade: FacadeDescription, name: string): boolean {
  return facade.methods.some(each => each.name === name) || /^\$./.test(name)
}

function fromCalls(
  kind: HostEnding['kind'],
  plan: HostPlan,
  facades: readonly FacadeDescription[],
  underWay: readonly Running[]
): Blame | undefined {
  const [only] = underWay
  if (only === undefined || underWay.length > 1) return undefined
  const role = facades.find(each => each.revision === only.revision)?.role
  if (role === undefined) return undefined
  // What ends a process need not have been called: a timer, of the newest code first of all (P2), or the object behind a past one.
  if (kind === 'crashed' && (role === 'past' || (role === 'object' && plan.future.length > 0))) return undefined
  // A shadow or an interceptor may have run in its stead.
  const others = [...plan.past, ...plan.future].filter(each => each.revision !== only.revision)
  return others.some(each => each.model !== 'direct') ? undefined : { ...only, role, entries: [only] }
}

const namedMax = 3

function sentenceOf(exit: ProcessExit, plan: HostPlan, ran: readonly Running[]): string {
  const names = ran.slice(0, namedMax).map(runningName).join('; ')
  const more = ran.length > namedMax ? ` and ${ran.length - namedMax} more` : ''
  const during = names === '' ? '' : `, while ${names}${more} ran`
  return `${whatHappened(exit, plan)}${during}`
}

function whatHappened(exit: ProcessExit, { limits }: HostPlan): string {
  const { watch, code, signal } = exit
  if (watch?.type === 'stalled') return `its event loop stood still for ${watch.silentMs} ms, so it was killed`
  if (watch?.type === 'memory')
    return `it used ${watch.usedMiB} MiB of memory, more than the ${watch.limitMiB} MiB that it may, so it was killed`
  if (isHeapFull(exit)) return `it ran out of memory (a heap of ${limits.heapMiB} MiB)`
  const how = signal === null ? `it exited with code ${code ?? 'unknown'}` : `it was ended by ${signal}`
  const said = exit.reported ?? exit.lastStderr.trim().split('\n').at(-1) ?? ''
  return said === '' ? how : `${how}: ${said.split('\n')[0] ?? ''}`
}
