import type { PeerStatus } from '@instar/node/control'
import { toWords } from '../options/duration.js'
import { shortPeer } from './peer-name.js'

type Trial = NonNullable<PeerStatus['versions'][number]['trial']>

/** One line, for a table. */
export function trialSummary({ calls, errors, callers, answered, answeredMin }: Trial): string {
  if (calls === 0) return 'no calls yet'
  const enough = answered >= answeredMin ? '' : ` (${answered} of ${answeredMin} went well)`
  return `${errors} errors in ${calls} calls of ${callers} ${callers === 1 ? 'caller' : 'callers'}${enough}`
}

/** How a trial stands and what is left of it, line by line (§15). */
export function trialLines(trial: Trial): readonly string[] {
  const { before, crashes, probes, worst, remarks } = trial
  const usual = before === undefined ? '' : `; ${before.errorPercent} % of ${before.calls} failed before the switch`
  const crashed = crashes.byCallers + crashes.otherwise
  return [
    `trial so far: ${trialSummary(trial)}${usual}`,
    ...worst.map(({ caller, calls, errors }) => `  ${shortPeer(caller)} had ${errors} errors in ${calls} calls`),
    ...(crashed === 0
      ? []
      : [`the object brought its host down ${crashed} times, ${crashes.byCallers} of them by one caller each`]),
    ...(probes === undefined
      ? []
      : [`probe ${probes.method}: ${probes.answered} answered, ${probes.missedInARow} missed in a row`]),
    `time left: ${timesLeft(trial)}`,
    ...remarks
  ]
}

function timesLeft({ stableLeftMs, timeoutLeftMs, idleLeftMs }: Trial): string {
  return [
    `${toWords(stableLeftMs)} to be stable`,
    ...(idleLeftMs === undefined ? [] : [`${toWords(idleLeftMs)} until it needs no more calls`]),
    ...(timeoutLeftMs === undefined ? [] : [`${toWords(timeoutLeftMs)} until it counts as failed`])
  ].join(', ')
}
