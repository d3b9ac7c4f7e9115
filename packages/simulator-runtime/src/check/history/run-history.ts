import { InstarError, messageOf } from '@instar/core'
import { mkdir, rm } from 'node:fs/promises'
import type { SimulationFailed } from '../../host/host-runtime.js'
import { createTestObject, type TestObject } from '../../testing/test-object.js'
import { Flawed, flawed } from '../flaw.js'
import { show } from '../plain-values.js'
import { isError, answerOf, type Answer, type RequestMoment } from '../reference/lone-object.js'
import type { Equivalent, EquivalentSource } from '../reference/equivalents.js'
import { Reference } from '../reference/reference.js'
import { contractOf, revisionOf, type Lineage, type Versions } from '../versions.js'
import { compareCast } from './compare-casts.js'
import { observe, Recorder } from './observe.js'
import type { HistoryResult, TranscriptLine } from './result.js'
import { isEvent, Life, type Call, type History, type LifeEvent, type Step } from './steps.js'
import { callWords, eventWords, nameOf, sameAnswer, showAnswer } from './words.js'

export interface HistoryRun {
  readonly lineage: Lineage
  /** The same versions for the reference: other instances of their modules, where there are any. */
  readonly reference: Lineage
  /** The same versions as a new process loads them: nothing that a module remembers is left. */
  readonly reload?: (() => Promise<Lineage>) | undefined
  readonly history: History
  readonly samples: EquivalentSource
  /** Does not exist yet; removed afterwards. */
  readonly directory: string
}

const firstMs = Date.UTC(2026, 0, 1)
const stepMs = 1000
/** How often a query is asked beside a command. */
const turnsBeside = 24

/** Runs a history on the real classes, simulation objects and transforms, and compares all that can be seen with the reference (R6–R10). */
export async function runHistory(run: HistoryRun): Promise<HistoryResult> {
  const runner = new Runner(run)
  await mkdir(run.directory, { recursive: true })
  try {
    return await runner.run()
  } finally {
    await runner.close()
    await rm(run.directory, { recursive: true, force: true })
  }
}

class Runner {
  readonly #run: HistoryRun
  readonly #life: Life
  readonly #recorder = new Recorder()
  readonly #versions: Versions
  readonly #lines: TranscriptLine[] = []
  readonly #failures: SimulationFailed[] = []
  /** The last answers of the probes, for versions that no reference knows. */
  readonly #seen = new Map<string, Answer>()
  #object: TestObject | undefined
  #reference: Reference | undefined
  /** The reference of before the upgrade that is on trial. */
  #before: Reference | undefined
  #moment: RequestMoment = { now: firstMs, seed: 0, caller: 'checker' }
  #asking = 0
  #seq = 0
  #last: { readonly call: Call; readonly seq: number; readonly answer: Answer } | undefined
  #calls = 0
  #events = 0

  constructor(run: HistoryRun) {
    this.#run = run
    this.#life = new Life(run.lineage)
    this.#versions = observe(run.lineage, this.#recorder)
  }

  async run(): Promise<HistoryResult> {
    const { steps } = this.#run.history
    let at = -1
    try {
      this.#reference = await Reference.create(this.#run.reference, this.#run.samples)
      await this.#start()
      await this.#probe(undefined)
      for (at = 0; at < steps.length; at++) await this.#take(steps[at] as Step)
      return this.#result(at)
    } catch (error) {
      if (error instanceof Flawed) return { ...this.#result(at), flaw: error.flaw }
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#object?.close()
  }

  #result(at: number): HistoryResult {
    return { lines: this.#lines, calls: this.#calls, events: this.#events, at }
  }

  async #start(): Promise<void> {
    const versions = this.#versions
    this.#object = await explained(() =>
      createTestObject({
        versions,
        directory: this.#run.directory,
        keepBefore: true,
        overrides: {
          now: () => this.#moment.now,
          random: () => (this.#asking > 0 ? this.#moment.seed : Math.random()),
          onSimulationFailed: failed => this.#failures.push(failed)
        }
      })
    )
  }

  async #take(step: Step): Promise<void> {
    if (isEvent(step)) {
      if (!this.#life.allows(step)) return
      this.#moment = { ...this.#moment, now: this.#moment.now + stepMs }
      this.#events++
      await this.#happen(step)
      await this.#note(eventWords(step, this.#life))
      this.#assertSimulated()
      if (this.#recorder.flaw !== undefined) throw new Flawed(this.#recorder.flaw)
      await this.#repeatLast()
      await this.#probe(step)
      return
    }
    const { call, beside } = step
    if (!this.#life.serves(call.version)) return
    const now = this.#moment.now + stepMs
    this.#moment = { ...this.#moment, now, seed: ((now / stepMs) % 9973) / 9973 }
    await this.#callAndCompare(call, beside !== undefined && this.#life.serves(beside.version) ? beside : undefined)
    await this.#probe(undefined)
  }

  async #happen(step: LifeEvent): Promise<void> {
    const life = this.#life
    const [object, reference] = [this.#object as TestObject, this.#reference as Reference]
    const { lineage } = this.#run
    const drop = (version: number): void => {
      const revision = revisionOf(lineage, version)
      const isServed = lineage.revisions.some((each, i) => each === revision && life.serves(i + 1))
      if (!isServed) reference.drop(revision)
    }
    const { high, low, current } = life
    if (step.event === 'upgrade') this.#before = reference.copy()
    life.take(step)
    // Every version that is served from now on begins as its neighbour is.
    const introduce = async (): Promise<void> => {
      for (let version = high + 1; version <= life.high; version++) {
        await (this.#reference as Reference).introduce(revisionOf(lineage, version))
      }
    }
    switch (step.event) {
      case 'introduce':
        await explained(() => object.introduce(life.high))
        return introduce()
      case 'withdraw':
        await explained(() => object.withdraw(high))
        drop(high)
        return
      case 'upgrade':
        await explained(() => object.upgrade(life.current))
        if (step.by > 1) await explained(() => object.commit())
        return introduce()
      case 'goBack':
        await explained(() => object.goBack(life.current))
        // The state of before the upgrade was kept: what was done on trial is lost (§8, `back: copy`).
        if (this.#isRebuilt(life.current, current)) this.#reference = this.#before
        this.#seen.clear()
        for (let version = life.current + 1; version <= life.high; version++) {
          await this.#reference?.introduce(revisionOf(lineage, version))
        }
        return
      case 'commit':
        await explained(() => object.commit())
        return
      case 'retire':
        await explained(() => object.retire(low))
        drop(low)
        return
      case 'restart':
        await this.#reload()
        await explained(() => object.restart())
        return
      case 'crash':
        await this.#reload()
        await explained(() => object.crash())
        return
    }
  }

  /** The object reads its definitions at each start: from now on they are those of a new process. */
  async #reload(): Promise<void> {
    const lineage = await this.#run.reload?.()
    if (lineage === undefined) return
    for (const [i, definition] of observe(lineage, this.#recorder).entries()) {
      Object.assign(this.#versions[i] as object, definition)
    }
  }

  /** Whether one of these upgrades made a new state; otherwise the object has gone on with the one it had. */
  #isRebuilt(from: number, to: number): boolean {
    const upgrades = this.#run.lineage.versions.slice(from, to)
    return upgrades.some(each => each.instar === 'upgrade' && each.transform !== undefined)
  }

  async #ask(call: Call, seq?: number): Promise<Answer> {
    this.#calls++
    this.#asking++
    const options = { caller: this.#moment.caller, ...(seq === undefined ? {} : { session: 'c'.repeat(32), seq }) }
    const answer = await answerOf((this.#object as TestObject).call(call.version, call.method, call.args, options))
    this.#asking--
    return answer
  }

  async #callAndCompare(call: Call, beside: Call | undefined): Promise<void> {
    const revision = revisionOf(this.#run.lineage, call.version)
    const isCommand = contractOf(this.#run.lineage, call.version).methods[call.method]?.kind === 'command'
    const besideBefore = beside === undefined ? undefined : await this.#askReference(beside)
    this.#recorder.begin()
    const seq = isCommand ? ++this.#seq : undefined
    const answering = this.#ask(call, seq)
    const besideAnswers = beside === undefined ? undefined : await this.#askMeanwhile(beside)
    const answer = await answering
    if (seq !== undefined) this.#last = { call, seq, answer }
    await this.#noted(call, answer, () => this.#assertSimulated())
    await this.#noted(call, answer, async () => {
      for (const cast of this.#recorder.casts) {
        await compareCast(cast, this.#run.reference, this.#run.history.probes, this.#moment)
      }
    })
    if (await this.#isRefused(call, answer)) {
      await this.#note(callWords(call, answer), call.version)
      return
    }
    let expected: Answer | undefined
    try {
      const observed = (each: number): readonly Equivalent[] | 'opaque' | undefined => this.#observed(revision, each)
      expected = await (this.#reference as Reference).call(revision, call.method, call.args, this.#moment, observed)
    } catch (error) {
      await this.#note(callWords(call, answer), call.version)
      throw error
    }
    await this.#note(callWords(call, answer), call.version)
    this.#compare(call, answer, expected, 'sequence')
    if (beside !== undefined && besideAnswers !== undefined)
      await this.#compareBeside(beside, besideAnswers, besideBefore)
  }

  /** At every moment while a command runs: methods wait for promises only, so that its steps are turns of them. */
  async #askMeanwhile(beside: Call): Promise<readonly Answer[]> {
    const asked: Array<Promise<Answer>> = []
    for (let turn = 0; turn < turnsBeside; turn++) {
      asked.push(this.#ask(beside))
      await Promise.resolve()
    }
    return Promise.all(asked)
  }

  async #compareBeside(beside: Call, answers: readonly Answer[], before: Answer | undefined): Promise<void> {
    const after = await this.#askReference(beside)
    if (before === undefined || after === undefined) return
    for (const answer of answers) {
      if (sameAnswer(answer, before) || sameAnswer(answer, after) || (await this.#isRefused(beside, answer))) continue
      await this.#note(`beside it, ${callWords(beside, answer)}`, beside.version)
      throw flawed('interleaving', `${nameOf(beside)} was answered with what was never the state (R12)`, {
        expected: `${showAnswer(before)} or ${showAnswer(after)}`,
        actual: showAnswer(answer)
      })
    }
  }

  #askReference(call: Call): Promise<Answer | undefined> {
    const revision = revisionOf(this.#run.lineage, call.version)
    return (this.#reference as Reference).ask(revision, call.method, call.args, this.#moment)
  }

  /** §12: the answer of a command is kept, and it is not executed again. */
  async #repeatLast(): Promise<void> {
    const last = this.#last
    if (last === undefined || !this.#life.serves(last.call.version)) return
    if (isError(last.answer) && last.answer.code !== 'Failed') return
    const again = await this.#ask(last.call, last.seq)
    if (sameAnswer(again, last.answer)) return
    await this.#note(`again, ${callWords(last.call, again)}`, last.call.version)
    throw flawed('retry', `${nameOf(last.call)} was answered otherwise when it was repeated (§12)`, {
      expected: showAnswer(last.answer),
      actual: showAnswer(again)
    })
  }

  /** After every step, everything that anybody could see. */
  async #probe(event: LifeEvent | undefined): Promise<void> {
    const isSwitch = event !== undefined && ['upgrade', 'goBack', 'commit'].includes(event.event)
    for (const probe of this.#run.history.probes) {
      if (!this.#life.serves(probe.version)) continue
      this.#recorder.begin()
      const answer = await this.#ask(probe)
      const noted = <T>(check: () => T | Promise<T>): Promise<T> => this.#noted(probe, answer, check)
      await noted(() => this.#assertSimulated())
      const refused = await noted(() => this.#isRefused(probe, answer))
      const expected = await this.#askReference(probe)
      if (!refused && expected !== undefined) {
        await noted(() => this.#compare(probe, answer, expected, isSwitch ? 'identity' : 'sequence'))
      }
      if (expected === undefined) await noted(() => this.#compareWithSeen(probe, answer, event))
    }
    // A step of a call may change everything.
    if (event === undefined) this.#seen.clear()
  }

  /** R10 without a specification: an event that nobody called changes no answer. */
  #compareWithSeen(probe: Call, answer: Answer, event: LifeEvent | undefined): void {
    const key = `${probe.version} ${probe.method} ${show(probe.args)}`
    const seen = this.#seen.get(key)
    this.#seen.set(key, answer)
    if (isError(answer) && answer.code === 'OutOfContract') throw flawed('type', answer.message)
    if (event === undefined || seen === undefined || sameAnswer(seen, answer)) return
    if ([seen, answer].some(each => isError(each) && each.code === 'Disallowed')) return
    throw flawed('identity', `${nameOf(probe)} answers otherwise after ${event.event} (R10)`, {
      expected: showAnswer(seen),
      actual: showAnswer(answer)
    })
  }

  #compare(call: Call, answer: Answer, expected: Answer | undefined, kind: 'sequence' | 'identity'): void {
    if (isError(answer) && answer.code === 'OutOfContract') throw flawed('type', `${answer.message} (R6)`)
    if (expected === undefined || sameAnswer(answer, expected)) return
    const rule = kind === 'identity' ? 'R10' : 'R7'
    throw flawed(kind, `${nameOf(call)} is not answered as the class of version ${call.version} would (${rule})`, {
      expected: showAnswer(expected),
      actual: showAnswer(answer)
    })
  }

  /** A simulation object that fails is withdrawn (§7): its author wanted it to serve. */
  #assertSimulated(): void {
    const failed = this.#failures.find(each => !each.cause.includes('opaque'))
    if (failed === undefined) return
    const text = `the ${failed.role} simulation object of version ${failed.revision} failed: ${failed.cause}`
    throw flawed(failed.cause.includes('cannot be built') ? 'transform' : 'simulation', text)
  }

  /** @throws Flawed for a refusal that the specification does not know (R8) */
  async #isRefused(call: Call, answer: Answer): Promise<boolean> {
    if (!isError(answer) || answer.code !== 'Disallowed') return false
    const { lineage } = this.#run
    const current = revisionOf(lineage, this.#life.current)
    const revision = revisionOf(lineage, call.version)
    const says = { actual: answer.message }
    if (revision === current) {
      throw flawed('disallow', `${nameOf(call)} of the current version was refused (R8)`, says)
    }
    if (!(this.#reference as Reference).knows(revision)) return true
    const inner = this.#recorder.refused
    const declared = /\(version (\d+)\) disallows this call of (\w+)/.exec(answer.message)
    const candidates = [
      { revision, method: call.method, args: call.args },
      ...(inner === undefined ? [] : [inner]),
      ...(declared === null ? [] : [{ revision: Number(declared[1]), method: declared[2] ?? '', args: call.args }])
    ]
    for (const each of candidates) {
      if ((await (this.#reference as Reference).refusal(each.revision, current, each)) !== undefined) return true
    }
    throw flawed('disallow', `${nameOf(call)} was refused, which the specification does not allow here (R8)`, says)
  }

  /** What the code did at another revision for a call, if it can be told. */
  #observed(at: number, revision: number): readonly Equivalent[] | 'opaque' | undefined {
    const shadows = this.#recorder.shadowsOf(revision)
    if (shadows !== undefined) return shadows
    const current = revisionOf(this.#run.lineage, this.#life.current)
    const isNearer = (at < revision && revision <= current) || (at > revision && revision >= current)
    return isNearer ? this.#recorder.commandsOf(revision) : undefined
  }

  /** What a check finds wrong is shown at the call that it was about. */
  async #noted<T>(call: Call, answer: Answer, check: () => T | Promise<T>): Promise<T> {
    try {
      return await check()
    } catch (error) {
      await this.#note(callWords(call, answer), call.version)
      throw error
    }
  }

  async #note(what: string, version?: number): Promise<void> {
    const states = await (this.#reference as Reference).describe()
    this.#lines.push({ what, states, ...(version === undefined ? {} : { by: this.#serverOf(version) }) })
  }

  #serverOf(version: number): string {
    const current = revisionOf(this.#run.lineage, this.#life.current)
    const revision = revisionOf(this.#run.lineage, version)
    if (revision === current) return 'the object'
    return `the ${revision < current ? 'past' : 'future'} simulation object of version ${version}`
  }
}

/** An event that the code does not survive is a flaw of it. */
async function explained<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof InstarError)) throw error
    const kind = error.code.startsWith('Transform') ? 'transform' : 'load'
    throw flawed(kind, messageOf(error))
  }
}
