import { mkdir, rm } from 'node:fs/promises'
import type { ReverseDefinition } from '../../definition/reverse.js'
import type { SimulationFailed } from '../../host/host-runtime.js'
import { createTestObject, type TestObject } from '../../testing/test-object.js'
import { Flawed, flawed } from '../flaw.js'
import { isError, answerOf, type Answer, type RequestMoment } from '../reference/lone-object.js'
import type { Equivalent, EquivalentSource } from '../reference/equivalents.js'
import { Reference } from '../reference/reference.js'
import { contractOf, gapOf, reverseOf, revisionOf, type Lineage, type Versions } from '../versions.js'
import { compareCast } from './compare-casts.js'
import { Judge } from './judge.js'
import { observe, Recorder } from './observe.js'
import type { HistoryResult, TranscriptLine } from './result.js'
import { isEvent, Life, type Call, type History, type LifeEvent, type Step } from './steps.js'
import { explained, takeEvent, type References } from './take-event.js'
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
  readonly #judge: Judge
  #object: TestObject | undefined
  readonly #references: References = { now: undefined, before: undefined }
  #moment: RequestMoment = { now: firstMs, seed: 0, caller: 'checker' }
  #asking = 0
  #seq = 0
  #last: { readonly call: Call; readonly seq: number; readonly answer: Answer } | undefined
  #calls = 0
  #events = 0
  /** Nothing that follows can be known. */
  #isOver = false

  constructor(run: HistoryRun) {
    this.#run = run
    this.#life = new Life(run.lineage, run.history.start)
    this.#versions = observe(run.lineage, this.#recorder)
    this.#judge = new Judge({
      lineage: run.lineage,
      life: this.#life,
      recorder: this.#recorder,
      reference: () => this.#reference,
      failures: this.#failures
    })
  }

  async run(): Promise<HistoryResult> {
    const { steps } = this.#run.history
    let at = -1
    try {
      this.#references.now = await Reference.create(this.#run.reference, this.#run.samples, this.#run.history.start)
      await this.#start()
      if (this.#run.history.start > 1) await this.#note(`begin as version ${this.#run.history.start}`)
      await this.#probe()
      for (at = 0; at < steps.length && !this.#isOver; at++) await this.#take(steps[at] as Step)
      return this.#result(at)
    } catch (error) {
      if (error instanceof Flawed) return { ...this.#result(at), flaw: error.flaw }
      throw error
    }
  }

  get #reference(): Reference {
    return this.#references.now as Reference
  }

  async close(): Promise<void> {
    await this.#object?.close()
  }

  #result(at: number): HistoryResult {
    return { lines: this.#lines, calls: this.#calls, events: this.#events, at }
  }

  async #start(): Promise<void> {
    const versions = this.#versions
    const gap = gapOf(this.#run.lineage)
    if (gap !== undefined) throw flawed('load', gap)
    this.#object = await explained(() =>
      createTestObject({
        versions,
        directory: this.#run.directory,
        start: this.#run.history.start,
        lowest: this.#life.low,
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
      const reverse = step.event === 'goBack' ? reverseOf(this.#versions[this.#life.current - 1]) : undefined
      await takeEvent(step, {
        lineage: this.#run.lineage,
        life: this.#life,
        object: this.#object as TestObject,
        references: this.#references,
        forget: () => this.#judge.forget(),
        reload: () => this.#reload()
      })
      await this.#note(eventWords(step, this.#life))
      this.#judge.assertSimulated()
      if (this.#recorder.flaw !== undefined) throw new Flawed(this.#recorder.flaw)
      await this.#repeatLast()
      await this.#probe(step, reverse)
      // What its way back may have changed, no reference knows.
      this.#isOver = (reverse?.changes ?? []).length > 0
      return
    }
    const { call, beside } = step
    if (!this.#life.serves(call.version)) return
    const now = this.#moment.now + stepMs
    this.#moment = { ...this.#moment, now, seed: ((now / stepMs) % 9973) / 9973 }
    await this.#callAndCompare(call, beside !== undefined && this.#life.serves(beside.version) ? beside : undefined)
    await this.#probe()
  }

  /** The object reads its definitions at each start: from now on they are those of a new process. */
  async #reload(): Promise<void> {
    const lineage = await this.#run.reload?.()
    if (lineage === undefined) return
    for (const [i, definition] of observe(lineage, this.#recorder).entries()) {
      Object.assign(this.#versions[i] as object, definition)
    }
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
    await this.#noted(call, answer, () => this.#judge.assertSimulated())
    await this.#noted(call, answer, async () => {
      for (const cast of this.#recorder.casts) {
        await compareCast(cast, this.#run.reference, this.#run.history.probes, this.#moment)
      }
    })
    if (await this.#judge.isRefused(call, answer)) {
      await this.#note(callWords(call, answer), call.version)
      return
    }
    let expected: Answer | undefined
    try {
      const observed = (each: number): readonly Equivalent[] | 'opaque' | undefined =>
        this.#judge.observed(revision, each)
      expected = await this.#reference.call(revision, call.method, call.args, this.#moment, observed)
    } catch (error) {
      await this.#note(callWords(call, answer), call.version)
      throw error
    }
    await this.#note(callWords(call, answer), call.version)
    if (expected !== undefined) this.#judge.compare(call, answer, expected)
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
      if (sameAnswer(answer, before) || sameAnswer(answer, after) || (await this.#judge.isRefused(beside, answer)))
        continue
      await this.#note(`beside it, ${callWords(beside, answer)}`, beside.version)
      throw flawed('interleaving', `${nameOf(beside)} was answered with what was never the state (R12)`, {
        expected: `${showAnswer(before)} or ${showAnswer(after)}`,
        actual: showAnswer(answer)
      })
    }
  }

  #askReference(call: Call): Promise<Answer | undefined> {
    const revision = revisionOf(this.#run.lineage, call.version)
    return this.#reference.ask(revision, call.method, call.args, this.#moment)
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
  async #probe(event?: LifeEvent, reverse?: ReverseDefinition): Promise<void> {
    // A call may have changed everything.
    if (event === undefined) this.#judge.forget()
    for (const probe of this.#run.history.probes) {
      if (!this.#life.serves(probe.version)) {
        this.#judge.forget(probe)
        continue
      }
      if (reverse?.changes?.includes(probe.method) === true) continue
      this.#recorder.begin()
      const answer = await this.#ask(probe)
      await this.#noted(probe, answer, async () => {
        this.#judge.assertSimulated()
        const isRefused = await this.#judge.isRefused(probe, answer)
        const expected = await this.#askReference(probe)
        if (expected === undefined) this.#judge.compareWithSeen(probe, answer, event)
        else if (!isRefused) this.#judge.compare(probe, answer, expected, event, reverse?.loses)
      })
    }
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
    const states = await this.#reference.describe()
    this.#lines.push({ what, states, ...(version === undefined ? {} : { by: this.#serverOf(version) }) })
  }

  #serverOf(version: number): string {
    const current = revisionOf(this.#run.lineage, this.#life.current)
    const revision = revisionOf(this.#run.lineage, version)
    if (revision === current) return 'the object'
    return `the ${revision < current ? 'past' : 'future'} simulation object of version ${version}`
  }
}
