import type { SimulationFailed } from '../../host/host-runtime.js'
import { flawed } from '../flaw.js'
import { show } from '../plain-values.js'
import type { Equivalent } from '../reference/equivalents.js'
import { isError, type Answer } from '../reference/lone-object.js'
import type { Reference } from '../reference/reference.js'
import { revisionOf, type Lineage } from '../versions.js'
import type { Recorder } from './observe.js'
import type { Call, Life, LifeEvent } from './steps.js'
import { nameOf, sameAnswer, showAnswer } from './words.js'

/** A history while it runs, as far as answers are judged by it. */
export interface Scene {
  readonly lineage: Lineage
  readonly life: Life
  readonly recorder: Recorder
  readonly reference: () => Reference
  readonly failures: readonly SimulationFailed[]
}

/** Says what is wrong with an answer, by throwing a {@link Flawed}. */
export class Judge {
  readonly #scene: Scene
  /** The last answers, for versions that no reference knows. */
  readonly #seen = new Map<string, Answer>()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** A simulation object that fails is withdrawn (§7): its author wanted it to serve. */
  assertSimulated(): void {
    const failed = this.#scene.failures.find(each => !each.cause.includes('opaque'))
    if (failed === undefined) return
    const text = `the ${failed.role} simulation object of version ${failed.revision} failed: ${failed.cause}`
    throw flawed(failed.cause.includes('cannot be built') ? 'transform' : 'simulation', text)
  }

  /** @throws Flawed for a refusal that the specification does not know (R8) */
  async isRefused(call: Call, answer: Answer): Promise<boolean> {
    if (!isError(answer) || answer.code !== 'Disallowed') return false
    const { lineage, life, recorder, reference } = this.#scene
    const current = revisionOf(lineage, life.current)
    const revision = revisionOf(lineage, call.version)
    const says = { actual: answer.message }
    if (revision === current) throw flawed('disallow', `${nameOf(call)} of the current version was refused (R8)`, says)
    if (!reference().knows(revision)) return true
    const declared = /\(version (\d+)\) disallows this call of (\w+)/.exec(answer.message)
    // What refuses may stand nearer to the object than what was called.
    const candidates = [
      { revision, method: call.method, args: call.args },
      ...(recorder.refused === undefined ? [] : [recorder.refused]),
      ...(declared === null ? [] : [{ revision: Number(declared[1]), method: declared[2] ?? '', args: call.args }])
    ]
    for (const each of candidates) {
      if ((await reference().refusal(each.revision, current, each)) !== undefined) return true
    }
    throw flawed('disallow', `${nameOf(call)} was refused, which the specification does not allow here (R8)`, says)
  }

  /**
   * @param after the event that led here, if it was one
   * @param loses what the author says of it, where it was a way back by code
   */
  compare(call: Call, answer: Answer, expected: Answer, after?: LifeEvent, loses?: string): void {
    if (isError(answer) && answer.code === 'OutOfContract') throw flawed('type', `${answer.message} (R6)`)
    if (sameAnswer(answer, expected)) return
    const isSwitch = after !== undefined && ['upgrade', 'goBack', 'commit'].includes(after.event)
    const [kind, rule] = isSwitch ? (['identity', 'R10'] as const) : (['sequence', 'R7'] as const)
    const behind = loses === undefined ? '' : ` after its way back, which loses: ${loses}`
    const text = `${nameOf(call)} is not answered as the class of version ${call.version} would${behind} (${rule})`
    throw flawed(kind, text, {
      expected: showAnswer(expected),
      actual: showAnswer(answer)
    })
  }

  /** R10 where nothing is specified: an event changes no answer. */
  compareWithSeen(call: Call, answer: Answer, after?: LifeEvent): void {
    if (isError(answer) && answer.code === 'OutOfContract') throw flawed('type', `${answer.message} (R6)`)
    const seen = this.#seen.get(keyOf(call))
    this.#seen.set(keyOf(call), answer)
    if (after === undefined || seen === undefined || sameAnswer(seen, answer)) return
    if ([seen, answer].some(each => isError(each) && each.code === 'Disallowed')) return
    throw flawed('identity', `${nameOf(call)} is answered otherwise after ${after.event} (R10)`, {
      expected: showAnswer(seen),
      actual: showAnswer(answer)
    })
  }

  /** What was answered says nothing about what comes: of this call, or of any. */
  forget(call?: Call): void {
    if (call === undefined) this.#seen.clear()
    else this.#seen.delete(keyOf(call))
  }

  /** What the code did at another revision for a call at one, if it can be told. */
  observed(at: number, revision: number): readonly Equivalent[] | 'opaque' | undefined {
    const { lineage, life, recorder } = this.#scene
    const shadows = recorder.shadowsOf(revision)
    if (shadows !== undefined) return shadows
    const current = revisionOf(lineage, life.current)
    const isNearer = (at < revision && revision <= current) || (at > revision && revision >= current)
    return isNearer ? recorder.commandsOf(revision) : undefined
  }
}

function keyOf({ version, method, args }: Call): string {
  return `${version} ${method} ${show(args)}`
}
