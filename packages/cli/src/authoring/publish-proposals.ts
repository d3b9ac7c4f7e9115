import { dirname, join, resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { FinishedProposals, OnlineKeys, Proposal, TrustState } from '@instar/signer'
import type { ControlClient } from '../control/control-client.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import type { PeerOptions, WriteOptions } from '../options/common.js'
import { toWords } from '../options/duration.js'
import type { PassphraseOptions } from '../options/passphrase.js'
import type { SpreadingOptions } from '../options/proposal.js'
import { createOutput, type Output } from '../output/output.js'
import { isHeard, watchHeard } from '../output/watch-heard.js'
import { watchJoin } from '../output/watch-join.js'
import { watchSpread } from '../output/watch-spread.js'
import { maybeOnlineKeysOf } from './online-keys.js'
import { openKeystore } from './open-keystore.js'
import { readTrustState } from './read-trust.js'
import { submitDocuments } from './submit-documents.js'
import { uploadBundles } from './upload-bundles.js'
import { askIfIrreversible, type IrreversibleOptions } from './way-back.js'

export interface PublishOptions
  extends PeerOptions, WriteOptions, PassphraseOptions, SpreadingOptions, IrreversibleOptions {
  /** A keystore that may hold online keys. */
  readonly keys?: string
  readonly bundles?: string
}

/** A complete proposal, and the file that it came from. */
export interface ReadyProposal {
  readonly proposal: Proposal
  readonly path: string
}

/**
 * Publishes complete proposals one after the other, in one go: catches up with every reachable peer first, so that another body for one
 * of the numbers is found; hands over what people signed; and joins it with the online keys at hand, or waits until a peer does.
 *
 * @throws InstarError ProposalOutdated, ProposalConflict, NotTrusted; Timeout when nobody joined in time
 */
export async function publishProposals(
  ready: readonly ReadyProposal[],
  options: PublishOptions,
  io: Io
): Promise<void> {
  const { numberOf } = await import('@instar/signer')
  const output = createOutput(io, options)
  const isDry = options.dryRun === true
  for (const { proposal } of isDry ? [] : ready)
    if (proposal.kind === 'upgrade') await askIfIrreversible(proposal.change.descriptor, options, io)
  const finished = await withPeer(options, io, async client => {
    await catchUp(client, output)
    const finished = await finish(ready, client, options, io)
    if (isDry) return finished
    for (const { proposal, path } of ready) await upload(proposal, path, client, options, io, output)
    await submitDocuments(client, finished, output)
    return finished
  })
  for (const { record, text } of ready.map(({ proposal }) => publishedWords(proposal, numberOf))) {
    output.result(isDry ? { ...record, dryRun: true } : record, () =>
      isDry ? `Would publish ${text}.` : `${upperFirst(text)} is published.`
    )
  }
  if (isDry || options.wait === 0) return
  await follow(ready, finished, options, io, output)
}

/** Asks the peer to exchange with all its neighbours, and says who did not answer. */
export async function catchUp(client: ControlClient, output: Output): Promise<void> {
  const peers = await client.catchUp()
  const silent = peers.filter(each => each.heads === undefined)
  if (silent.length === 0) return
  output.line(
    output.style('yellow', `Note: ${silent.length} of ${peers.length} connected peers did not say what they know.`)
  )
}

async function finish(
  ready: readonly ReadyProposal[],
  client: ControlClient,
  options: PublishOptions,
  io: Io
): Promise<Finished> {
  const { finishProposals } = await import('@instar/signer')
  const proposals = ready.map(each => each.proposal)
  const trusted = await readTrustState(client)
  const signed = await finishProposals(proposals, trusted, undefined, io.now())
  // After a rotation the new keys count, so only now it shows which of them are at hand.
  const onlineKeys = await onlineKeysAt(options, signed, io)
  if (onlineKeys === undefined) return { ...signed, joined: false }
  const joined = await finishProposals(proposals, trusted, onlineKeys, io.now())
  return { ...joined, joined: joined.state.targets !== undefined }
}

interface Finished extends FinishedProposals {
  /** By our own online keys. */
  readonly joined: boolean
}

async function onlineKeysAt(
  options: PublishOptions,
  { state }: FinishedProposals,
  io: Io
): Promise<OnlineKeys | undefined> {
  const { keys } = options
  return keys === undefined ? undefined : maybeOnlineKeysOf(await openKeystore({ ...options, keys }, io), state)
}

async function upload(
  proposal: Proposal,
  path: string,
  client: ControlClient,
  options: PublishOptions,
  io: Io,
  output: Output
): Promise<void> {
  if (proposal.kind !== 'upgrade') return
  const folder = resolve(io.cwd, options.bundles ?? join(dirname(path), 'bundles'))
  await uploadBundles(client, proposal.change.manifests, folder, (id, uploaded) =>
    output.result({ bundle: id, uploadedFiles: uploaded }, () =>
      uploaded === 0 ? `The peer has bundle ${id.slice(0, 16)}.` : `Bundle ${id.slice(0, 16)} is at the peer.`
    )
  )
}

function publishedWords(
  proposal: Proposal,
  numberOf: (proposal: Proposal) => number
): { readonly record: object; readonly text: string } {
  if (proposal.kind === 'upgrade') {
    const { version, title } = proposal.change.descriptor
    return { record: { published: version }, text: `version ${version}, ${title},` }
  }
  const number = numberOf(proposal)
  return { record: { published: proposal.kind, number }, text: `${proposal.kind} ${number}` }
}

async function follow(
  ready: readonly ReadyProposal[],
  { state, joined }: Finished,
  options: PublishOptions,
  io: Io,
  output: Output
): Promise<void> {
  const upgrade = ready.map(each => each.proposal).find(each => each.kind === 'upgrade')
  if (upgrade === undefined) await tellWhoHeard(state, options, io, output)
  else await tellWhoKnows(upgrade.change.descriptor.version, options, io, output)
  if (joined) return
  if (state.targets === undefined) {
    output.line('Nothing names the versions of the network until its targets are signed again under the new root.')
    return
  }
  if (!(await watchJoin(options, io, output, options.wait)))
    throw new InstarError(
      'Timeout',
      `It is published, and peers act on it as they hear of it, but nobody with online keys joined it within ${toWords(options.wait)}: until then trust counts as stale and nothing new starts. Start a peer with --online-keys, or let whoever holds those keys run instar network refresh --keys <dir>.`,
      { detail: { published: ready.length } }
    )
}

async function tellWhoHeard(state: TrustState, options: PublishOptions, io: Io, output: Output): Promise<void> {
  const { heard, connected } = await watchHeard(options, io, peer => isHeard(peer, state), options.wait)
  output.result({ heard, connected }, () =>
    connected === 0
      ? 'No other peer is connected: the others hear of it when they are.'
      : `${heard} of ${connected} connected peers have it.`
  )
}

async function tellWhoKnows(version: number, options: PublishOptions, io: Io, output: Output): Promise<void> {
  const { known, peers } = await watchSpread(options, io, version, options.wait)
  output.result({ version, known, peers }, () =>
    known === peers
      ? `All ${peers} other peers know it. Follow it: instar status --watch`
      : `${known} of ${peers} other peers know it after ${toWords(options.wait)}. Follow it: instar status --watch`
  )
}

function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
