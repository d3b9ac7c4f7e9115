import { CallError, messageOf } from '@instar/core'
import type { Entry } from '../cache/caches.js'
import type { Outbox } from '../outbox/outbox.js'
import type { StagedSends } from '../outbox/staged-sends.js'
import { CommandAccess } from '../state/request-access.js'
import { Layer } from '../state/layer.js'
import type { Store } from '../state/store.js'
import type { Chain } from './chain.js'
import type { Deadline } from './deadlines.js'
import { standing, withdrawn, type Arguments } from './dispatch.js'
import type { Facade, FacadeMethod } from './facade.js'
import { encodeAnswer } from './encode-answer.js'
import { deadlineExceeded, disallowed, isFault, outOfContract, toCallError, upgrading } from './failures.js'
import type { LaneJob } from './lane.js'
import { Scope, type ScopeInit } from './scope.js'
import type { Outcome, Turn } from './sessions.js'
import type { SimulationFailure } from './simulation-failure.js'
import type { Simulations } from './simulations.js'
import { validate } from './validate.js'

export interface CommandInit {
  readonly store: Store
  readonly simulations: Simulations
  readonly outbox: Outbox
  /** As it was when the request came: it may have been withdrawn by an earlier command when the turn comes. */
  readonly facade: Facade
  readonly method: FacadeMethod
  readonly args: Arguments
  readonly turn: Turn | undefined
  readonly scope: Omit<ScopeInit, 'kind' | 'access'>
  /** See `HostRuntimeLimits`. */
  readonly futureCommandMsMax: number
  /** Whoever sent it has gone; it is dropped if it has not begun and cannot be asked for again. */
  readonly abandoned: () => boolean
  /** Its answer is given, or about to be. */
  readonly onSettled: () => void
}

/**
 * One command: waits for the lane, runs alone on an overlay, then waits for the batch that holds what it wrote together with its answer.
 * What happens to it before that batch leaves nothing behind.
 */
export class Command implements LaneJob {
  /** Settles when the outcome is as durable as the class asks. */
  readonly answer: Promise<Uint8Array>
  readonly #init: CommandInit
  readonly #settle: { resolve(answer: Uint8Array): void; reject(error: unknown): void }
  #state: 'waiting' | 'running' | 'committing' = 'waiting'
  #scope: Scope | undefined
  #methodRuns = false
  #leaveLane: (() => void) | undefined

  constructor(init: CommandInit) {
    this.#init = init
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.answer = promise
    this.#settle = { resolve, reject }
    // Callers may have gone by their deadline; nobody else waits for it then.
    promise.catch(() => undefined)
    init.turn?.answeredBy(promise)
  }

  async start(): Promise<void> {
    if (this.#state !== 'waiting') return
    if (this.#init.turn === undefined && this.#init.abandoned()) {
      this.cut(deadlineExceeded('the caller gave up before the command began', 'no'))
      return
    }
    this.#state = 'running'
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#leaveLane = () => resolve(undefined)
    const bound = this.#boundBeforeUpgrade()
    void (this.#ownsFiles ? this.#runOnFiles() : this.#run())
    await promise
    bound?.cancel()
  }

  /** P2: calls of the version that runs wait behind a command of one that is not upgraded to yet, whatever time its caller gives it. */
  #boundBeforeUpgrade(): Deadline | undefined {
    const { facade, simulations, scope, futureCommandMsMax } = this.#init
    const isFuture = facade.role === 'future' && standing(simulations.chain, facade)?.role === 'future'
    return isFuture ? scope.deadlines.add(futureCommandMsMax, () => this.overrun()) : undefined
  }

  /** The deadline has passed. Says whether the command may still take effect. */
  overrun(): 'no' | 'unknown' {
    if (this.#state === 'committing') return 'unknown'
    const { facade, method } = this.#init
    const late = this.#state === 'running' ? 'did not answer in time' : 'did not come to its turn in time'
    const executed = this.#executed
    this.#commit(deadlineExceeded(`${facade.className}.${method.name} ${late}`, executed))
    return executed
  }

  /** Ends it now, unless it is being written already: nothing of it takes effect, and it may be asked for again. */
  cut(error: CallError): boolean {
    if (this.#state === 'committing') return false
    const cause = this.#executed === 'no' ? error : withUnknown(error)
    this.#state = 'committing'
    this.#init.turn?.drop()
    this.#leave('the command was cut off', true)
    this.#settled(cause)
    return true
  }

  /** What is to be said of a command that is ended now: of files nothing is taken back (§8). */
  get #executed(): 'no' | 'unknown' {
    return this.#state === 'running' && this.#ownsFiles ? 'unknown' : 'no'
  }

  get #ownsFiles(): boolean {
    return this.#init.simulations.code.object.directory !== undefined
  }

  /** §8: what runs twice changes files twice, so that it has begun is on record before it does. Says whether it may go on. */
  async #begin(): Promise<boolean> {
    const { turn, store } = this.#init
    if (turn === undefined) return true
    const layer = new Layer()
    turn.begin(layer)
    const isWritten = await new Promise<boolean>(resolve =>
      store.commit(
        layer,
        () => resolve(true),
        () => resolve(false)
      )
    )
    if (this.#state !== 'running') return false
    if (!isWritten) this.cut(upgrading('the state cannot be written, so the command cannot begin'))
    return isWritten
  }

  async #runOnFiles(): Promise<void> {
    try {
      if (await this.#begin()) await this.#run()
    } finally {
      this.#leaveLane?.()
    }
  }

  async #run(): Promise<void> {
    const { simulations } = this.#init
    const failures: SimulationFailure[] = []
    let attempt = await this.#attempt(simulations.chain)
    failures.push(...attempt.failures)
    // An interceptor that failed is left out, and the same call runs without it (§7). Each time there is one façade less.
    // Not where files were changed: that would be done twice.
    while (
      this.#state === 'running' &&
      attempt.again &&
      !attempt.touchedFiles &&
      !failures.some(each => simulations.endsTrial(each))
    ) {
      attempt = await this.#attempt(simulations.without(failures).chain)
      failures.push(...attempt.failures)
    }
    // Cut off meanwhile: whatever this came to, nobody is to see it.
    if (this.#state !== 'running') return
    if (attempt.full && attempt.outcome instanceof CallError) {
      this.cut(attempt.outcome)
      return
    }
    const fatal = failures.filter(each => simulations.endsTrial(each))
    if (fatal.length > 0 && (attempt.again || !(attempt.outcome instanceof CallError))) {
      simulations.report(fatal)
      this.cut(upgrading(`${fatal[0]?.cause ?? ''}; the upgrade goes back`))
      return
    }
    this.#commit(attempt.outcome, attempt, failures)
  }

  async #attempt(chain: Chain): Promise<Attempt> {
    const { store, outbox, args, method: asked } = this.#init
    const access = new CommandAccess(store)
    const scope = new Scope({ ...this.#init.scope, kind: 'command', access, outbox })
    this.#scope = scope
    const facade = standing(chain, this.#init.facade)
    this.#methodRuns = true
    let outcome: Outcome
    try {
      if (facade === undefined) throw withdrawn(chain, this.#init.facade)
      const method = facade.methods.get(asked.name) ?? asked
      // The façade may have become a simulation object while the command waited for its turn.
      if (method.disallowed !== undefined) throw disallowed(facade, method.name, method.disallowed)
      const encode = async (value: unknown): Promise<Uint8Array> =>
        encodeAnswer(
          facade,
          method,
          await validate(method.output, value, flaw =>
            outOfContract(facade, method.name, `its answer is invalid: ${flaw}`)
          )
        )
      // Encoded before its shadows are cast: they are not to change it (P2).
      let answer: Uint8Array | undefined
      const valid = args()
      const value = await scope.execute(
        facade,
        method,
        valid instanceof Promise ? await valid : valid,
        undefined,
        async result => {
          answer = await encode(result)
        }
      )
      if (scope.underWay) {
        throw outOfContract(facade, method.name, 'it answered while a call or a clear that it began was still running')
      }
      outcome = answer ?? (await encode(value))
    } catch (error) {
      outcome = toCallError(error, facade ?? this.#init.facade, asked.name)
      const cannotWrite = scope.touchedFiles && isDiskError(error)
      if (cannotWrite) outcome = upgrading(`the files of the object cannot be written (${messageOf(error)})`, 'unknown')
      else if (scope.touchedFiles && isFault(outcome)) outcome = withUnknown(outcome)
    }
    this.#methodRuns = false
    scope.end('the request has been answered')
    return {
      outcome,
      written: access.layer,
      sends: scope.sends,
      kept: scope.kept ?? [],
      full:
        scope.isFull(outcome) || (scope.touchedFiles && outcome instanceof CallError && outcome.code === 'Upgrading'),
      touchedFiles: scope.touchedFiles,
      failures: scope.failures,
      again: scope.failures.some(each => each.again)
    }
  }

  #commit(outcome: Outcome, attempt?: Attempt, failures: readonly SimulationFailure[] = []): void {
    this.#state = 'committing'
    const { simulations, store, outbox, turn } = this.#init
    // What the call itself came to is what counts: without an effect no shadow was missed. An interceptor has failed in any case.
    const given = outcome instanceof CallError ? failures.filter(each => each.again) : failures
    const layer = outcome instanceof CallError || attempt === undefined ? new Layer() : attempt.written
    if (given.length > 0) simulations.adopt(simulations.without(given), layer)
    turn?.keep(outcome, layer)
    const sends = attempt?.sends?.take(layer) ?? []
    const waiting = sends.length === 0 ? [] : outbox.add(sends, layer)
    store.commit(
      layer,
      () => {
        turn?.committed()
        simulations.report(given)
        outbox.committed(waiting)
        this.#settled(outcome)
      },
      () => {
        turn?.drop()
        this.#settled(upgrading('the state could not be written; what became of the command is unknown', 'unknown'))
      }
    )
    if (!(outcome instanceof CallError)) for (const each of attempt?.kept ?? []) store.caches.put(each)
    this.#leave('the request has been answered')
  }

  #settled(outcome: Outcome): void {
    this.#init.onSettled()
    if (outcome instanceof CallError) this.#settle.reject(outcome)
    else this.#settle.resolve(outcome)
  }

  #leave(why: string, atOnce = !(this.#methodRuns && this.#ownsFiles)): void {
    this.#scope?.end(why)
    if (atOnce || this.#leaveLane === undefined) this.#leaveLane?.()
    // What goes on changes nothing any more, but files: there it has some time to hear of its end before the next one begins.
    else this.#init.scope.deadlines.add(filesGraceMs, this.#leaveLane)
  }
}

/** How long the lane waits for a command that changes files and does not end when it is told to. */
const filesGraceMs = 5000

function withUnknown({ code, detail }: CallError): CallError {
  return new CallError(code, { ...detail, executed: 'unknown' })
}

/** Not the class's fault, and it may go away. */
function isDiskError(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes(String((error as { code?: unknown } | undefined)?.code))
}

interface Attempt {
  readonly outcome: Outcome
  readonly written: Layer
  readonly sends: StagedSends | undefined
  /** For `ctx.cache`. */
  readonly kept: readonly Entry[]
  /** The outbox or the disk took no more: what came of it is not kept as the outcome. */
  readonly full: boolean
  readonly touchedFiles: boolean
  readonly failures: readonly SimulationFailure[]
  /** A simulation object failed in a way that makes the outcome none of the call's. */
  readonly again: boolean
}
