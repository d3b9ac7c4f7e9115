import { InstarError, messageOf, type Json } from '@instar/core'
import { field } from '../metadata/canonical.js'
import type { TrustState } from '../trust/state.js'
import { kinds } from './kinds/table.js'
import type { Proposal, ProposalKind, ProposalOf } from './proposal.js'
import { numberOf, roleOf } from './propose.js'
import { registerOf } from './register.js'
import { assertFits, isPublished } from './sign.js'
import { quorumsOf, type Quorum } from './signatures.js'
import { listOf, oneLine, plural, short } from './words/text.js'

/** What a signature would agree to, in words, one line each. Text of people is shown on one line, so that it cannot imitate ours. */
export function describeProposal(proposal: Proposal, trusted: TrustState): readonly string[] {
  const quorums = quorumsOf(proposal, trusted)
  return [
    ...changeWords(proposal, trusted),
    frameWords(proposal, trusted),
    ...misfitWords(proposal, trusted),
    ...(quorums.length === 0 ? ['nobody may sign it: what would name the keys is not trusted here'] : []),
    ...quorums.map(each => quorumWords(each, roleOf(proposal)))
  ]
}

function changeWords<Kind extends ProposalKind>(proposal: ProposalOf<Kind>, trusted: TrustState): readonly string[] {
  try {
    return kinds[proposal.kind].words(trusted, proposal.change, proposal.body)
  } catch {
    // A body that is none cannot be shown; it is refused when it is built again.
    return ['what it says cannot be read']
  }
}

function frameWords(proposal: Proposal, trusted: TrustState): string {
  const role = roleOf(proposal)
  const what = role === 'targets' ? 'targets revision' : role
  const { base } = proposal
  // The first root's hash is the network's id, and there is always a root before the next.
  const from = role !== 'root' && base.hash === trusted.network ? 'none' : String(base.version)
  const until = textOf(field(proposal.body, 'expires'))
  const before = registerOf(trusted, role)
  const was = before === undefined ? '' : `, that of now ${textOf(field(before.signed, 'expires'))}`
  return `${what} ${from} → ${numberOf(proposal)}, expires ${until}${was}${baseRemark(proposal, trusted)}`
}

function baseRemark(proposal: Proposal, trusted: TrustState): string {
  if (isPublished(proposal, trusted)) return ' (published already)'
  const base = registerOf(trusted, roleOf(proposal))?.bodyHash ?? trusted.network
  return base === proposal.base.hash ? '' : ' (OUTDATED: the network has moved on, re-base it)'
}

/** A file may show one change and carry the body of another: whoever only looks at it must see that too. */
function misfitWords(proposal: Proposal, trusted: TrustState): readonly string[] {
  try {
    assertFits(proposal, trusted)
    return []
  } catch (thrown) {
    const isOutdated = thrown instanceof InstarError && thrown.code === 'ProposalOutdated'
    return isOutdated ? [] : [`CANNOT BE SIGNED: ${oneLine(messageOf(thrown))}`]
  }
}

function quorumWords({ by, threshold, keyIds, signed }: Quorum, role: string): string {
  const whose = role === 'root' ? ` of ${by}` : ''
  const needed = Number.isFinite(threshold) ? threshold : '?'
  const spare = keyIds.length > threshold ? `, which ${plural(keyIds.length, 'key')} may give` : ''
  return `signed by ${signed.length} of ${needed} ${wordFor(role)}${whose}${listOf(signed.map(each => short(each.keyId)))}${spare}`
}

function wordFor(role: string): string {
  return role === 'targets' ? 'authors' : `${role} keys`
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' && /^[0-9TZ:-]{1,30}$/.test(value) ? value : '?'
}
