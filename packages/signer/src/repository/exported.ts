import { accept, ignore, type Verdict } from '@instar/core'
import { canonicalBytes, field, hashOf, isObject, type JsonObject } from '../metadata/canonical.js'
import { upgradePath } from '../metadata/targets.js'
import { freshUntilMs } from '../trust/reading.js'
import type { TrustState } from '../trust/state.js'
import { fetchedPathOf } from './target-path.js'

/** What one peer trusts, as the files of an ordinary TUF repository with consistent snapshots. */
export interface RepositoryFiles {
  /** Path to content: `metadata/3.targets.json`, `targets/upgrades/<sha-256>.2`. A name stands for one content, whoever writes it. */
  readonly constant: ReadonlyMap<string, Uint8Array>
  /** `metadata/timestamp.json`: the one file that is replaced. It goes last, because it vouches for the others. */
  readonly timestamp: Uint8Array
  readonly freshUntilMs: number
}

/**
 * The repository that a trust state makes. Ignored with a reason while it makes none: a reader of repositories takes only what a fresh
 * timestamp vouches for, number by number, and a peer may for a while hold more than that, or less (§5).
 */
export function repositoryOf(state: TrustState, nowMs: number): Verdict<RepositoryFiles> {
  const flaw = flawOf(state, nowMs)
  const { targets, halt, admission, snapshot, timestamp } = state
  if (flaw !== undefined || timestamp === undefined) return ignore('NotWhole', flaw ?? 'there is no timestamp')
  const constant = new Map<string, Uint8Array>()
  const delegated = [
    ['halt', halt],
    ['admission', admission]
  ] as const
  for (const [role, held] of [['targets', targets], ...delegated, ['snapshot', snapshot]] as const) {
    if (held !== undefined) constant.set(`metadata/${held.version}.${role}.json`, held.bytes)
  }
  for (const [version, { hash }] of targets?.model.upgrades ?? []) {
    const descriptor = state.descriptors.get(hash)
    if (descriptor !== undefined) setTarget(constant, upgradePath(version), descriptor.bytes)
  }
  for (const [, held] of delegated) {
    for (const [path, bytes] of held === undefined ? [] : valuesOf(held.signed)) setTarget(constant, path, bytes)
  }
  for (const root of state.roots) constant.set(`metadata/${root.version}.root.json`, root.bytes)
  return accept({ constant, timestamp: timestamp.bytes, freshUntilMs: freshUntilMs(state) })
}

function flawOf(state: TrustState, nowMs: number): string | undefined {
  const { roots, targets, snapshot, timestamp } = state
  if (roots.length === 0 || targets === undefined) return 'this peer does not know the network yet'
  if (snapshot === undefined || timestamp === undefined) return 'no timestamp and snapshot of it are here yet'
  const until = freshUntilMs(state)
  if (until === 0) {
    return 'documents are newer than the newest snapshot; a peer with online keys will write one that names them'
  }
  if (until <= nowMs) return `its trust was fresh only until ${new Date(until).toISOString()}`
  // Where versions fork, the newest targets may name a descriptor that this peer does not follow and therefore does not keep.
  const missing = [...targets.model.upgrades].find(([, { hash }]) => !state.descriptors.has(hash))
  return missing === undefined
    ? undefined
    : `the descriptor that the newest targets name for version ${missing[0]} is not here`
}

/** Orders and admission documents stand in their metadata as they are; a reader of repositories fetches them as files. */
function valuesOf(signed: JsonObject): readonly (readonly [string, Uint8Array])[] {
  const targets = field(signed, 'targets')
  if (!isObject(targets)) return []
  return Object.entries(targets).flatMap(([path, entry]) => {
    const value = isObject(entry) ? field(entry, 'custom') : undefined
    return value === undefined ? [] : [[path, canonicalBytes(value)] as const]
  })
}

function setTarget(files: Map<string, Uint8Array>, path: string, bytes: Uint8Array): void {
  const place = fetchedPathOf(path, { hashes: new Map([['sha256', hashOf(bytes)]]) }, true)
  if (place !== undefined) files.set(['targets', ...place].join('/'), bytes)
}
