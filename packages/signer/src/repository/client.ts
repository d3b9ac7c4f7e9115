import { InstarError, type Verdict } from '@instar/core'
import { delegationsMax, repositoryBytesMax, rootsPerRefreshMax } from './limits.js'
import { matchFile } from './meta-file.js'
import type { TargetFacts } from './models.js'
import { isTrustedWith } from './path-pattern.js'
import { fetchedPathOf } from './target-path.js'
import {
  delegatorOf,
  judgeExpiry,
  judgeFirstRoot,
  judgeNamedSnapshot,
  judgeNextRoot,
  judgeSnapshot,
  judgeSuccessor,
  judgeTargets,
  judgeTimestamp,
  type Delegator,
  type Trusted,
  type TrustedRoot,
  type TrustedSnapshot,
  type TrustedTargets,
  type TrustedTimestamp
} from './trusted-set.js'

/** Where the files of a repository come from. */
export interface RepositoryFetcher {
  /**
   * A file of at most that many bytes below the repository's metadata, or below its targets; undefined when there is none. Each name of
   * the path is as it was signed: a role or a file may be called `a/b`, which is one name and no folder.
   *
   * @throws InstarError MirrorRefused for a longer one, `Unreachable` or `Timeout` when it cannot be had
   */
  fetch(place: 'metadata' | 'targets', path: readonly string[], bytesMax: number): Promise<Uint8Array | undefined>
}

/** Where the metadata that a client trusts are kept, by file name: `root.json`, `timestamp.json`, … */
export interface RepositoryStore {
  /** Undefined when it was never written. */
  read(file: string): Promise<Uint8Array | undefined>
  /** The whole file or nothing. */
  write(file: string, bytes: Uint8Array): Promise<void>
}

/** What a client of one repository works with. */
export interface RepositoryClientInit {
  readonly fetcher: RepositoryFetcher
  /** Holds at least `root.json`, with which trust begins. */
  readonly store: RepositoryStore
  /** Read once: one refresh has one time (TUF 5.1). */
  readonly nowMs: number
}

/** The metadata that one refresh found, in the order in which they verify. */
export interface RefreshedRepository {
  /** From the root that was stored to the newest. */
  readonly roots: readonly TrustedRoot[]
  readonly timestamp: TrustedTimestamp
  readonly snapshot: TrustedSnapshot
  readonly targets: TrustedTargets
}

/** A target that a role has named, and what its bytes must be. */
export interface FoundTarget {
  readonly path: string
  readonly facts: TargetFacts
}

/**
 * Reads a repository that has one writer, in the order and with the strictness of the TUF specification (5.1 to 5.7): root chain,
 * timestamp, snapshot, targets, delegations; exact versions, lengths and hashes; every document unexpired. What a step verified is stored
 * at once, as the specification has it; a step that fails stores nothing and ends the refresh, so nothing is half adopted.
 *
 * Gossip's registers (§5) differ because there several writers are at work and anybody may be the sender.
 */
export class RepositoryClient {
  private refreshed: RefreshedRepository | undefined

  constructor(private readonly init: RepositoryClientInit) {}

  /** Once for each client. @throws InstarError MirrorRefused, or what the fetcher throws */
  async refresh(): Promise<RefreshedRepository> {
    this.refreshed ??= await this.walk()
    return this.refreshed
  }

  /** The first role, depth first in the order of delegation, that knows a target of this path and is trusted with it (TUF 5.6.7). */
  async find(path: string): Promise<FoundTarget | undefined> {
    const { roots, snapshot } = await this.refresh()
    const root = roots.at(-1) as TrustedRoot
    const visited = new Set<string>()
    const toVisit: { name: string; delegator: Delegator }[] = [
      { name: 'targets', delegator: delegatorOf(root, 'targets') }
    ]
    while (visited.size <= delegationsMax) {
      const next = toVisit.pop()
      if (next === undefined) return undefined
      if (visited.has(next.name)) continue
      visited.add(next.name)
      // Verified for the delegator on this way to it: another way gives it no authority here.
      const { model } = await this.loadTargets(root, snapshot, next.name, next.delegator)
      const facts = model.targets.get(path)
      if (facts !== undefined) return { path, facts }
      const trusted = model.delegations.filter(each => isTrustedWith(each, path))
      const terminating = trusted.findIndex(each => each.terminating)
      if (terminating >= 0) toVisit.length = 0
      const children = terminating >= 0 ? trusted.slice(0, terminating + 1) : trusted
      toVisit.push(...children.reverse().map(role => ({ name: role.name, delegator: { role, keys: model.keys } })))
    }
    return undefined
  }

  /** The metadata of every role that top-level targets delegate to, in their order. @throws InstarError MirrorRefused */
  async delegated(): Promise<readonly TrustedTargets[]> {
    const { roots, snapshot, targets } = await this.refresh()
    const { delegations, keys } = targets.model
    const loaded: TrustedTargets[] = []
    for (const role of delegations.slice(0, delegationsMax)) {
      // Delegated to, and nothing signed yet: there is no document of it.
      if (!snapshot.model.meta.has(`${role.name}.json`)) continue
      loaded.push(await this.loadTargets(roots.at(-1) as TrustedRoot, snapshot, role.name, { role, keys }))
    }
    return loaded
  }

  /** The verified bytes of a target. @throws InstarError MirrorRefused when the repository serves anything else */
  async download({ path, facts }: FoundTarget): Promise<Uint8Array> {
    const root = (await this.refresh()).roots.at(-1) as TrustedRoot
    const from = fetchedPathOf(path, facts, root.model.consistentSnapshot)
    if (from === undefined) throw refused(path, 'UnsafePath', 'its path has no safe place below the targets')
    const bytes = await this.init.fetcher.fetch('targets', from, facts.byteLength)
    if (bytes === undefined) throw missing(path)
    demand(path, matchFile(facts, bytes))
    return bytes
  }

  private async walk(): Promise<RefreshedRepository> {
    const { nowMs } = this.init
    const roots = await this.loadRoots()
    const root = roots.at(-1) as TrustedRoot
    demand(`root ${root.version}`, judgeExpiry(root, nowMs))
    const timestamp = await this.loadTimestamp(root)
    const snapshot = await this.loadSnapshot(root, timestamp)
    const targets = await this.loadTargets(root, snapshot, 'targets', delegatorOf(root, 'targets'))
    return { roots, timestamp, snapshot, targets }
  }

  /** TUF 5.3: each root by the one before it, and each is stored before the next is asked for. What is left over comes next time. */
  private async loadRoots(): Promise<readonly TrustedRoot[]> {
    const stored = await this.init.store.read('root.json')
    if (stored === undefined) throw refused('root.json', 'Missing', 'no root to begin with was given')
    let newest = demand('the root to begin with', judgeFirstRoot(stored))
    const roots = [newest]
    for (let asked = 0; asked < rootsPerRefreshMax; asked++) {
      const file = `${newest.version + 1}.root.json`
      const bytes = await this.fetchMetadata(file, repositoryBytesMax.root)
      if (bytes === undefined) break
      newest = demand(file, judgeNextRoot(newest, bytes))
      await this.init.store.write('root.json', bytes)
      roots.push(newest)
    }
    return roots
  }

  /** TUF 5.4. Of the same number, the one that is trusted stays: its writer has one timestamp for each. */
  private async loadTimestamp(root: TrustedRoot): Promise<TrustedTimestamp> {
    const { store, nowMs } = this.init
    const file = 'timestamp.json'
    // What the newest root's keys did not sign is forgotten: the recovery from numbers that a stolen key drove up (TUF 5.3.11).
    const before = await this.stored(file, bytes => judgeTimestamp(root, bytes))
    const bytes = await this.fetchMetadata(file, repositoryBytesMax.timestamp)
    if (bytes === undefined) throw missing(file)
    const next = demand(file, judgeTimestamp(root, bytes))
    const follows = judgeSuccessor(before, next)
    const same = follows.verdict === 'reject' && follows.code === 'Same'
    if (!same) demand(file, follows)
    const timestamp = same && before !== undefined ? before : next
    demand(file, judgeExpiry(timestamp, nowMs))
    if (timestamp === next) await store.write(file, bytes)
    return timestamp
  }

  /** TUF 5.5. The one that is stored counts toward rollback even when it has expired or its hash is named no more. */
  private async loadSnapshot(root: TrustedRoot, timestamp: TrustedTimestamp): Promise<TrustedSnapshot> {
    const { store, nowMs } = this.init
    const before = await this.stored('snapshot.json', bytes => judgeSnapshot(root, bytes))
    if (before !== undefined && isGood(judgeNamedSnapshot(timestamp, undefined, before), judgeExpiry(before, nowMs))) {
      return before
    }
    const { version, byteLength } = timestamp.model.snapshot
    const file = this.fileOf(root, 'snapshot', version)
    const bytes = await this.fetchMetadata(file, byteLength ?? repositoryBytesMax.snapshot)
    if (bytes === undefined) throw missing(file)
    const next = demand(file, judgeSnapshot(root, bytes))
    demand(file, judgeNamedSnapshot(timestamp, before, next))
    demand(file, judgeExpiry(next, nowMs))
    await store.write('snapshot.json', bytes)
    return next
  }

  /** TUF 5.6: top-level targets, and each role that is delegated to. */
  private async loadTargets(
    root: TrustedRoot,
    snapshot: TrustedSnapshot,
    name: string,
    delegator: Delegator
  ): Promise<TrustedTargets> {
    const { store, nowMs } = this.init
    const named = snapshot.model.meta.get(`${name}.json`)
    if (named === undefined) throw refused(name, 'NotInSnapshot', 'the snapshot does not name it')
    const storedAs = `${encodeURIComponent(name)}.json`
    const before = await this.stored(storedAs, bytes => judgeTargets(snapshot, name, delegator, bytes))
    if (before !== undefined && isGood(judgeExpiry(before, nowMs))) return before
    const file = this.fileOf(root, name, named.version)
    const bytes = await this.fetchMetadata(file, named.byteLength ?? repositoryBytesMax.targets)
    if (bytes === undefined) throw missing(file)
    const next = demand(file, judgeTargets(snapshot, name, delegator, bytes))
    demand(file, judgeExpiry(next, nowMs))
    await store.write(storedAs, bytes)
    return next
  }

  private async stored<Model>(
    file: string,
    judge: (bytes: Uint8Array) => Verdict<Trusted<Model>>
  ): Promise<Trusted<Model> | undefined> {
    const bytes = await this.init.store.read(file)
    const verdict = bytes && judge(bytes)
    return verdict?.verdict === 'accept' ? verdict.value : undefined
  }

  private fetchMetadata(file: string, bytesMax: number): Promise<Uint8Array | undefined> {
    return this.init.fetcher.fetch('metadata', [file], bytesMax)
  }

  private fileOf({ model }: TrustedRoot, role: string, version: number): string {
    return `${model.consistentSnapshot ? `${version}.` : ''}${role}.json`
  }
}

function isGood(...verdicts: readonly Verdict<true>[]): boolean {
  return verdicts.every(each => each.verdict === 'accept')
}

function demand<T>(file: string, verdict: Verdict<T>): T {
  if (verdict.verdict === 'accept') return verdict.value
  throw refused(file, verdict.code, verdict.detail)
}

function missing(file: string): InstarError {
  return refused(file, 'Missing', 'it is not there')
}

function refused(file: string, code: string, detail: string): InstarError {
  return new InstarError('MirrorRefused', `The repository cannot be trusted with ${file}: ${detail}.`, {
    detail: { file, code }
  })
}
