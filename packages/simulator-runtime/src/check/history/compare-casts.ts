import { flawed } from '../flaw.js'
import { areEqual, show } from '../plain-values.js'
import { runAll } from '../reference/equivalents.js'
import { LoneObject, type RequestMoment } from '../reference/lone-object.js'
import { revisionOf, type Lineage } from '../versions.js'
import type { CastShadow } from './observe.js'
import type { Call } from './steps.js'
import { nameOf, sameAnswer, showAnswer } from './words.js'

/**
 * Without a specification, a twin's shadow can still be held against its own class: the calls that it returned, run on the state of before,
 * must leave a state that answers as the one that the shadow has left (§7).
 *
 * @throws Flawed
 */
export async function compareCast(
  cast: CastShadow,
  lineage: Lineage,
  probes: readonly Call[],
  moment: RequestMoment
): Promise<void> {
  const definition = lineage.classes.get(cast.revision)
  if (definition === undefined) return
  const object = new LoneObject(definition, cast.revision, cast.before)
  const words = cast.calls.map(({ method, args }) => `${method}(${args.map(show).join(', ')})`).join('; ') || 'no call'
  const what = `$${cast.method} of version ${cast.revision} returns ${words}`
  const executed = await runAll(object, cast.calls, moment)
  if (executed === undefined) throw flawed('shadow', `${what}, which fails there`)
  for (const [i, { result, method }] of cast.calls.entries()) {
    const real = executed[i]?.result
    if (areEqual(result, real)) continue
    throw flawed('shadow', `${what}, and ${method} would answer otherwise`, {
      expected: show(real),
      actual: show(result)
    })
  }
  const called = new LoneObject(definition, cast.revision, executed.at(-1)?.after ?? cast.before)
  const shadowed = new LoneObject(definition, cast.revision, cast.after)
  for (const probe of probes) {
    if (revisionOf(lineage, probe.version) !== cast.revision) continue
    const expected = await called.call(probe.method, probe.args, moment)
    const actual = await shadowed.call(probe.method, probe.args, moment)
    if (sameAnswer(expected, actual)) continue
    throw flawed('shadow', `${what}, which is not what it does: ${nameOf(probe)} is answered otherwise`, {
      expected: showAnswer(expected),
      actual: showAnswer(actual)
    })
  }
}
