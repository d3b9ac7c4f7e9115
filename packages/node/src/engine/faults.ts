import { readFileSync } from 'node:fs'
import { InstarError, type Effect } from '@instar/core'

/**
 * Lets this process, or its host, die at a chosen moment, for tests of what a restart makes of it. Set by `INSTAR_FAULTS`, a comma-separated list of
 * `kill:before|after:<what>`, where what is a phase (`transforming`, or `transforming@2` for that version only), the type of another
 * journal entry (`joined`, `running`, …), or an effect (`switchHost`, `rehearse@2`, `announce`, …; with a version those that have one);
 * `kill-all` instead of `kill` takes the hosts along, as a machine does that stops (Linux only; a host that is left alone goes on for a
 * moment, and may end its transform); `kill-hosts` takes only them, the first time that the moment comes. Or `kill-host:after:command:<n>`: the host dies when its n-th command in a session is committed and not answered yet; once.
 */
export interface FaultInjector {
  before(effect: Effect): void
  after(effect: Effect): void
  /** The number of the command, from 1. */
  readonly hostDiesAfterCommand: number | undefined
}

type Victim = 'peer' | 'all' | 'hosts'

interface Fault {
  readonly who: Victim
  readonly when: 'before' | 'after'
  readonly what: string
  readonly version: number | undefined
}

const hostFault = /^kill-host:after:command:([1-9][0-9]{0,5})$/

/** @throws InstarError BadInput for words that it does not know */
export function parseFaults(
  text: string | undefined,
  kill: (who: Victim) => void = killNow
): FaultInjector | undefined {
  if (text === undefined || text === '') return undefined
  const words = text.split(',')
  let faults = words.filter(word => !hostFault.test(word)).map(parseFault)
  const [command] = words.flatMap(word => hostFault.exec(word)?.[1] ?? [])
  const strike = (when: Fault['when'], effect: Effect): void => {
    const fault = faults.find(each => each.when === when && concerns(each, effect))
    if (fault === undefined) return
    // The peer lives on, and comes to the same moment again.
    if (fault.who === 'hosts') faults = faults.filter(each => each !== fault)
    kill(fault.who)
  }
  return {
    before: effect => strike('before', effect),
    after: effect => strike('after', effect),
    hostDiesAfterCommand: command === undefined ? undefined : Number(command)
  }
}

function parseFault(text: string): Fault {
  const match = /^kill(-all|-hosts)?:(before|after):([A-Za-z]+)(?:@([0-9]+))?$/.exec(text)
  if (match === null) {
    throw new InstarError('BadInput', `INSTAR_FAULTS holds "${text}"; it takes words like kill:after:transforming@2.`)
  }
  const [, others, when, what, version] = match
  return {
    who: others === '-all' ? 'all' : others === '-hosts' ? 'hosts' : 'peer',
    when: when as Fault['when'],
    what: what ?? '',
    version: version === undefined ? undefined : Number(version)
  }
}

function concerns(fault: Fault, effect: Effect): boolean {
  const isOfVersion = (version: number | undefined): boolean => fault.version === undefined || fault.version === version
  if (effect.effect !== 'persist') return fault.what === effect.effect && isOfVersion(versionOf(effect))
  return effect.entries.some(entry => {
    const word = entry.type === 'phase' ? entry.phase : entry.type
    return word === fault.what && isOfVersion('version' in entry ? entry.version : undefined)
  })
}

function versionOf(effect: Effect): number | undefined {
  if (effect.effect === 'evaluateSchedule') return effect.inputs.version
  return 'version' in effect ? effect.version : undefined
}

function killNow(who: Victim): void {
  for (const pid of who === 'peer' ? [] : childrenNow()) process.kill(pid, 'SIGKILL')
  if (who !== 'hosts') process.kill(process.pid, 'SIGKILL')
}

function childrenNow(): number[] {
  const pids = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
  return pids.split(' ').filter(Boolean).map(Number)
}
