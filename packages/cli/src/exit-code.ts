import { CallError, InstarError } from '@instar/core'
import { CommanderError } from 'commander'
import { Refused } from './refused.js'

/** What a program that runs `instar` learns from its exit code; documented in docs/cli.md. */
export const exitCodes = {
  done: [0, 'done'],
  failed: [1, 'the operation failed; the sentence on standard error says why'],
  usage: [2, 'the command line or a file named on it is wrong; nothing was done'],
  unreachable: [3, 'the peer does not run, or something could not be reached in time'],
  refused: [4, 'refused: by a rule, by the network, by the called object, or by the person who was asked']
} as const satisfies Record<string, readonly [number, string]>

const usage = new Set(['BadInput', 'BadConfig', 'BadTicket', 'InvalidInput'])
const unreachable = new Set(['PeerNotRunning', 'Unreachable', 'Timeout', 'DeadlineExceeded'])
const refused = new Set([
  'KeyNotAuthorized',
  'KeyLocked',
  'KeyUnsafe',
  'NotTrusted',
  'ProposalConflict',
  'ProposalOutdated',
  'WrongNetwork',
  'Disallowed',
  'NotAdmitted',
  'Retired',
  'Superseded'
])

export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done[0] : exitCodes.usage[0]
  if (thrown instanceof Refused) return exitCodes.refused[0]
  if (!(thrown instanceof InstarError) && !(thrown instanceof CallError)) return exitCodes.failed[0]
  if (usage.has(thrown.code)) return exitCodes.usage[0]
  if (unreachable.has(thrown.code)) return exitCodes.unreachable[0]
  return refused.has(thrown.code) ? exitCodes.refused[0] : exitCodes.failed[0]
}
