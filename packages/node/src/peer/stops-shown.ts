import { divergedAt, divergedWords, flawInHistory, type PeerState } from '@instar/core'
import { decisionsOf, forksOf, haltsOf, type TrustState } from '@instar/signer'
import type { TrustStatus } from '../control/schema/status.js'

type Stops = Pick<TrustStatus, 'forks' | 'forkSides' | 'halts' | 'decisions'>

/** What trust documents stop, and by whose keys: for status and `network show`, and for the sentences below. */
export function stopsOf(trust: TrustState): Stops {
  const forks = forksOf(trust)
  const signedBy = trust.halt?.signatures.map(each => each.keyId) ?? []
  return {
    forks: forks.map(({ version }) => version),
    forkSides: forks.flatMap(({ version, sides }) =>
      sides.map(({ hash, revision, signedBy }) => ({ version, descriptor: hash, revision, signedBy: [...signedBy] }))
    ),
    halts: [...haltsOf(trust).values()]
      .filter(({ order }) => order === 'halt')
      .map(({ version, unload, reason, at }) => ({ version, unload, reason, at, signedBy })),
    decisions: [...decisionsOf(trust)].map(([version, keep]) => ({ version, keep }))
  }
}

/** One sentence for each thing that is stopped, and what to do about it. */
export function stopProblems(state: Readonly<PeerState>, stops: Stops): string[] {
  const diverged = divergedAt(state)
  return [
    ...(diverged === undefined ? [] : [`This peer is diverged: ${divergedWords(state, diverged)}.`]),
    ...flawedRepairs(state),
    ...stops.forks.map(version => forkProblem(version, stops)),
    ...stops.halts.map(halt => haltProblem(state, halt))
  ]
}

/** Tools refuse to sign them; whoever signed one with another tool has left peers without a way (§4). */
function flawedRepairs({ log }: Readonly<PeerState>): string[] {
  return log.flatMap(({ version, descriptor }) => {
    const flaw = descriptor.supersedes.length === 0 ? undefined : flawInHistory(log.slice(0, version - 1), descriptor)
    return flaw === undefined
      ? []
      : [
          `Version ${version} does not lead everybody on: ${flaw}. Its authors have to publish another one that supersedes it.`
        ]
  })
}

function forkProblem(version: number, { forkSides }: Stops): string {
  const sides = forkSides.filter(each => each.version === version)
  const words = sides.map(
    ({ descriptor, revision, signedBy }) => `${short(descriptor)} in revision ${revision}, signed by ${keys(signedBy)}`
  )
  return `Version ${version} is frozen: two valid descriptors of it are known (${words.join('; ')}). Nothing moves to it until the root role decides: \`instar network resolve\`.`
}

function haltProblem(
  state: Readonly<PeerState>,
  { version, unload, reason, at, signedBy }: Stops['halts'][number]
): string {
  const phase = state.versions.get(version)?.phase
  const isHere = version <= state.running && phase !== 'goingBack'
  const here = !isHere
    ? ''
    : phase === 'trial'
      ? ' It is on trial here without a way back, so it stays and is not committed.'
      : ' It is committed here, so it stays: only a version that supersedes or follows it leads on.'
  return `Version ${version} is halted${unload ? ' and unloaded' : ''} since ${at} by ${keys(signedBy)}: ${reason}.${here}`
}

function keys(ids: readonly string[]): string {
  return ids.length === 0 ? 'nobody that is known' : `${ids.length === 1 ? 'key' : 'keys'} ${ids.map(short).join(', ')}`
}

function short(hex: string): string {
  return hex.slice(0, 8)
}
