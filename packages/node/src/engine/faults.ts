import { readFileSync, writeSync } from 'node:fs'
import { InstarError, type Effect, type Fact, type Phase } from '@instar/core'

/**
 * Lets this process, or its host, die at a chosen moment, for tests of what a restart makes of it. Set by `INSTAR_FAULTS`, a comma-separated list of
 * `kill:before|after:<what>`, where what is a phase (`transforming`, or `transforming@2` for that version only), the type of another
 * journal entry (`joined`, `running`, …), or an effect (`switchHost`, `rehearse@2`, `announce`, …; with a version those that have one);
 * before, also how far a switch of hosts has come, whatever it is for (`kill:before:stage-transforming`, as the peer hears of it).
 * `kill-all` instead of `kill` takes the hosts along, as a machine does that stops (Linux only; a host that is left alone goes on for a
 * moment, and may end its transform); `kill-hosts` takes only them, the first time that the moment comes and there are any. Or
 * `kill-host:after:command:<n>`: the host dies when its n-th command in a session is committed and not answered yet; once. Or
 * `hold:<phase>@<version>`: once the version is in this phase, the peer hears nothing until a version, a halt or a resume becomes trusted, and then
 * that first: what arrives there arrives in this phase, however short it is; once. What strikes is printed.
 */
export interface FaultInjector {
  before(effect: Effect): void
  after(effect: Effect): void
  /** What the peer takes in now that it is told this; nothing while it is held. */
  hears(fact: Fact): readonly Fact[]
  /** After each step of the core. */
  stands(phaseOf: (version: number) => Phase | undefined): void
  /** The number of the command, from 1. */
  readonly hostDiesAfterCommand: number | undefined
}

type Victim = 'peer' | 'all' | 'hosts'

interface Fault {
  readonly word: string
  readonly who: Victim
  readonly when: 'before' | 'after'
  readonly what: string
  readonly version: number | undefined
}

interface Hold {
  readonly word: string
  readonly phase: string
  readonly version: number
}

/** How a test's faults act on the world. */
interface Acts {
  /** False: there was nobody to kill. */
  readonly kill: (who: Victim, word: string) => boolean
  readonly tell: (line: string) => void
}

const hostFault = /^kill-host:after:command:([1-9][0-9]{0,5})$/
const holdFault = /^hold:([A-Za-z]+)@([0-9]+)$/
const killFault = /^kill(-all|-hosts)?:(?:(before|after):([A-Za-z]+)(?:@([0-9]+))?|(before):(stage-[a-z]+))$/

/** @throws InstarError BadInput for words that it does not know */
export function parseFaults(
  text: string | undefined,
  { kill, tell }: Acts = { kill: killNow, tell: tellNow }
): FaultInjector | undefined {
  if (text === undefined || text === '') return undefined
  const words = text.split(',')
  let holds = words.flatMap(parseHold)
  let faults = words.filter(word => !hostFault.test(word) && !holdFault.test(word)).map(parseFault)
  const [command] = words.flatMap(word => hostFault.exec(word)?.[1] ?? [])
  let held: Fact[] | undefined
  const strike = (fault: Fault | undefined): void => {
    // The peer lives on without its hosts, and comes to the same moment again.
    if (fault !== undefined && kill(fault.who, fault.word) && fault.who === 'hosts')
      faults = faults.filter(each => each !== fault)
  }
  const strikeAt = (when: Fault['when'], effect: Effect): void =>
    strike(faults.find(each => each.when === when && concerns(each, effect)))
  return {
    before: effect => strikeAt('before', effect),
    after: effect => strikeAt('after', effect),
    hears(fact) {
      if (fact.fact === 'switchStage') strike(faults.find(each => each.what === `stage-${fact.stage}`))
      if (held === undefined) return [fact]
      if (!isNews(fact)) {
        held.push(fact)
        return []
      }
      const heard = [fact, ...held]
      held = undefined
      return heard
    },
    stands(phaseOf) {
      const hold = holds.find(each => phaseOf(each.version) === each.phase)
      if (hold === undefined) return
      holds = holds.filter(each => each !== hold)
      held ??= []
      tell(`${hold.word} strikes`)
    },
    hostDiesAfterCommand: command === undefined ? undefined : Number(command)
  }
}

function parseHold(word: string): Hold[] {
  const [, phase, version] = holdFault.exec(word) ?? []
  return phase === undefined ? [] : [{ word, phase, version: Number(version) }]
}

function parseFault(word: string): Fault {
  const match = killFault.exec(word)
  if (match === null) {
    throw new InstarError('BadInput', `INSTAR_FAULTS holds "${word}"; it takes words like kill:after:transforming@2.`)
  }
  const [, others, when, what, version, , stage] = match
  return {
    word,
    who: others === '-all' ? 'all' : others === '-hosts' ? 'hosts' : 'peer',
    when: when === 'after' ? 'after' : 'before',
    what: what ?? stage ?? '',
    version: version === undefined ? undefined : Number(version)
  }
}

function isNews({ fact }: Fact): boolean {
  return fact === 'versionTrusted' || fact === 'halt' || fact === 'resume'
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

function killNow(who: Victim, word: string): boolean {
  const hosts = who === 'peer' ? [] : childrenNow()
  if (who === 'hosts' && hosts.length === 0) return false
  // First: nobody can say it afterwards.
  tellNow(`${word} strikes${hosts.length === 0 ? '' : `, with it the processes ${hosts.join(' ')}`}`)
  for (const pid of hosts) process.kill(pid, 'SIGKILL')
  if (who !== 'hosts') process.kill(process.pid, 'SIGKILL')
  return true
}

/** Written before the next line runs. */
function tellNow(line: string): void {
  writeSync(2, `INSTAR_FAULTS: ${line}\n`)
}

function childrenNow(): number[] {
  const pids = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
  return pids.split(' ').filter(Boolean).map(Number)
}
