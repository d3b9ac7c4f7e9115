import { Flawed, flawed } from '../flaw.js'
import type { EquivalentSource } from '../reference/equivalents.js'
import { isError, type RequestMoment } from '../reference/lone-object.js'
import { Reference, type Rewritten } from '../reference/reference.js'
import { revisionOf, type Lineage } from '../versions.js'
import type { HistoryResult, TranscriptLine } from './result.js'
import { isEvent, Life, type Call, type History } from './steps.js'
import { callWords, eventWords, nameOf, sameAnswer, showAnswer } from './words.js'

export interface Rehearsal {
  readonly lineage: Lineage
  readonly history: History
  readonly samples: EquivalentSource
}

/**
 * Runs a history on the reference alone: whether invariant, mapping function, shadows and views are total, agree with each other, and say all
 * that the classes can show (R9). Without it, a mistake of the specification would be taken for one of the code.
 */
export async function rehearse({ lineage, history, samples }: Rehearsal): Promise<HistoryResult> {
  const life = new Life(lineage, history.start)
  const lines: TranscriptLine[] = []
  let moment: RequestMoment = { now: Date.UTC(2026, 0, 1), seed: 0, caller: 'checker' }
  let calls = 0
  let at = -1
  const result = (): HistoryResult => ({ lines, calls, events: 0, at })
  let reference: Reference | undefined
  const note = async (what: string): Promise<void> => {
    lines.push({ what, states: (await reference?.describe()) ?? '', by: 'the reference' })
  }
  try {
    reference = await Reference.create(lineage, samples, history.start)
    for (const [i, step] of history.steps.entries()) {
      at = i
      moment = { ...moment, now: moment.now + 1000 }
      if (isEvent(step)) {
        if (step.event !== 'introduce' || !life.allows(step)) continue
        life.take(step)
        await reference.introduce(revisionOf(lineage, life.high))
        await note(eventWords(step, life))
      } else {
        const revision = revisionOf(lineage, step.call.version)
        if (!life.serves(step.call.version) || !reference.knows(revision)) continue
        calls++
        await note(nameOf(step.call))
        const { method, args } = step.call
        const copies = (await reference.rewritten()).filter(each => each.revision === revision)
        const answer = await reference.call(revision, method, args, moment)
        lines.pop()
        await note(answer === undefined ? nameOf(step.call) : callWords(step.call, answer))
        // What a view leaves out may show only after the next call.
        for (const { object } of copies) await object.call(method, args, moment)
        await assertViews(copies, reference, history.probes, moment)
      }
      await assertViews(await reference.rewritten(), reference, history.probes, moment)
    }
    return result()
  } catch (error) {
    if (error instanceof Flawed) return { ...result(), flaw: error.flaw }
    throw error
  }
}

/** Whatever can be asked is in the value that a view reads: a state that is written from it answers the same. */
async function assertViews(
  rewritten: readonly Rewritten[],
  reference: Reference,
  probes: readonly Call[],
  moment: RequestMoment
): Promise<void> {
  for (const probe of probes) {
    for (const { revision, side, object } of rewritten) {
      if (reference.revisionOf(probe.version) !== revision) continue
      const expected = await reference.ask(revision, probe.method, probe.args, moment)
      const actual = await object.call(probe.method, probe.args, moment)
      if (expected === undefined || sameAnswer(actual, expected)) continue
      if (isError(expected) && expected.code === 'OutOfContract') throw flawed('type', expected.message)
      throw flawed(
        'specification',
        `views.${side} lose something: ${nameOf(probe)} is answered otherwise by a state that was written from what was read`,
        { expected: showAnswer(expected), actual: showAnswer(actual) }
      )
    }
  }
}
