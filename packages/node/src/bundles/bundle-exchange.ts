import { setTimeout as wait } from 'node:timers/promises'
import { InstarError, invariant, parseManifest } from '@instar/core'
import { bundleLimits } from '../overlay/limits.js'
import type { Overlay } from '../overlay/overlay.js'
import type { Refusals } from '../overlay/refusals.js'
import { createBundleServer, bundleProtocol } from './bundle-server.js'
import type { BundleStore } from './bundle-store.js'
import { ChunkBoard } from './chunk-board.js'
import type { PartialBundle } from './partial-bundle.js'
import { connectProvider, type Provider } from './provider.js'
import { ProviderRecord } from './provider-record.js'

/** Fetches bundles from peers that have them, and serves those that are here: `/instar/bundle/1`. */
export interface BundleExchange {
  /** Registers the protocol; before the overlay starts. */
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Resolves when the bundle is stored and verified. The manifest comes first, then its chunks from several peers at once. Asks again with
   * backoff for as long as nobody can give it: only `signal` or a fault of this peer's own ends that.
   *
   * @throws InstarError DiskFull, BundleInvalid (its manifest contradicts itself), Stopped
   */
  fetch(bundle: string, options: FetchOptions): Promise<void>
}

interface FetchOptions {
  /** Ids of peers that may be asked now; looked up again at each round. */
  readonly providers: () => readonly string[]
  readonly signal: AbortSignal
  /** Called whenever something changed; `reason` says why nothing moves (R18). */
  readonly onProgress?: (progress: FetchProgress) => void
  /** A peer sent bytes that are not what the digest says; it is asked for nothing for a while. */
  readonly onLiar?: (peer: string, detail: string) => void
}

export interface FetchProgress {
  readonly bytes: number
  readonly bytesTotal?: number
  /** Peers that are giving chunks now. */
  readonly providers: number
  readonly reason?: string
}

export interface BundleExchangeInit {
  readonly store: BundleStore
  readonly overlay: Pick<Overlay, 'handle' | 'openStream'>
  readonly limits?: Partial<FetchLimits>
  /** Where what is refused is counted. */
  readonly refusals?: Refusals
  readonly now?: () => number
  readonly random?: () => number
}

export interface FetchLimits {
  /** Peers that are asked at the same time. */
  readonly providersMax: number
  /** Chunks that are asked of one peer at the same time. */
  readonly window: number
  /** A chunk that has not come by then is asked of somebody else, and its peer is left for this round. */
  readonly stallMs: number
  /** A chunk that takes this long is also asked of a peer that has nothing else to do. */
  readonly slowMs: number
  /** First and last pause between rounds. */
  readonly backoffMs: readonly [first: number, last: number]
}

const defaultFetchLimits: FetchLimits = Object.freeze({
  providersMax: 6,
  window: 4,
  stallMs: 20_000,
  slowMs: 2_000,
  backoffMs: Object.freeze([200, 5_000] as const)
})

export function createBundleExchange(init: BundleExchangeInit): BundleExchange {
  const { store, overlay } = init
  const limits = Object.freeze({ ...defaultFetchLimits, ...init.limits })
  const server = createBundleServer(store, init.refusals)
  const record = new ProviderRecord(init.now ?? Date.now, init.random ?? Math.random)
  const fetching = new Set<string>()
  const stopping = new AbortController()

  async function fetch(bundle: string, options: FetchOptions): Promise<void> {
    invariant(!fetching.has(bundle), 'a bundle is fetched once at a time')
    const signal = AbortSignal.any([options.signal, stopping.signal])
    fetching.add(bundle)
    try {
      await fetchRounds({
        bundle,
        store,
        overlay,
        limits,
        signal,
        options,
        record,
        refusals: init.refusals,
        liars: new Set()
      })
    } catch (thrown) {
      if (signal.aborted)
        throw new InstarError('Stopped', `The fetch of the bundle ${bundle} was stopped.`, { cause: thrown })
      throw thrown
    } finally {
      fetching.delete(bundle)
    }
  }

  return {
    fetch,
    start: () =>
      overlay.handle(bundleProtocol, (stream, peer) => server.serve(stream, peer), {
        maxInboundStreams: 2 * bundleLimits.streamsPerPeerMax
      }),
    async stop() {
      stopping.abort()
      await server.close()
    }
  }
}

interface Fetch {
  readonly bundle: string
  readonly store: BundleStore
  readonly overlay: Pick<Overlay, 'openStream'>
  readonly limits: FetchLimits
  readonly signal: AbortSignal
  readonly options: FetchOptions
  readonly record: ProviderRecord
  readonly refusals: Refusals | undefined
  /** Found in this fetch. */
  readonly liars: Set<string>
}

/** Round after round, each with whoever is there, until the bundle is. */
async function fetchRounds(fetch: Fetch): Promise<void> {
  const { bundle, store, overlay, limits, signal, options, record, liars } = fetch
  const [firstMs, lastMs] = limits.backoffMs
  let partial = await resumed(fetch)
  let backoffMs = firstMs

  function tell(providers: number, reason?: string): void {
    const total = partial?.manifest.files.reduce((sum, file) => sum + file.bytes, 0)
    const missing = partial?.missing().reduce((sum, ref) => sum + ref.bytes, 0)
    options.onProgress?.({
      bytes: (total ?? 0) - (missing ?? 0),
      ...(total === undefined ? {} : { bytesTotal: total }),
      providers,
      ...(reason === undefined ? {} : { reason })
    })
  }

  while (!store.has(bundle)) {
    signal.throwIfAborted()
    const known = options.providers().filter(peer => !liars.has(peer))
    const providers = record
      .choose(known, limits.providersMax)
      .map(peer => connectProvider({ overlay, peer, limits, signal }))
    try {
      partial ??= await firstManifest(fetch, providers)
      if (partial !== undefined) {
        const before = partial.missing().length
        await fetchChunks(fetch, partial, providers, tell)
        if (partial.missing().length < before) backoffMs = firstMs
        if (partial.missing().length === 0) {
          await partial.finish()
          return
        }
      }
    } finally {
      for (const provider of providers) provider.close()
      for (const provider of providers) if (!provider.gave()) record.gaveNothing(provider.peer)
    }
    const reached = await Promise.all(providers.map(provider => provider.reached()))
    tell(0, whyNot(known.length, reached.filter(Boolean).length, liars.size))
    await wait(backoffMs, undefined, { signal })
    backoffMs = Math.min(lastMs, backoffMs * 2)
  }
}

function whyNot(known: number, reached: number, liars: number): string {
  const lied = liars === 0 ? '' : `; ${liars} sent bytes that are not what the bundle names`
  if (known === 0) return `no peer is known that may have the bundle${lied}`
  if (reached === 0) return `none of the ${known} peers that may have the bundle can be reached${lied}`
  return `none of the ${reached} peers that were asked gave all of the bundle${lied}`
}

/** What an earlier run had begun. */
async function resumed({ bundle, store }: Fetch): Promise<PartialBundle | undefined> {
  const manifest = await store.partialManifest(bundle)
  // A damaged one is no manifest of this bundle: it is asked for again, and replaced.
  return manifest && parseManifest(manifest, bundle).verdict === 'accept' ? store.openPartial(manifest) : undefined
}

/** Whoever answers first with a manifest of this bundle: it names itself by its hash. */
async function firstManifest(fetch: Fetch, providers: readonly Provider[]): Promise<PartialBundle | undefined> {
  const answers = providers.map(async provider => {
    const bytes = await provider.manifest(fetch.bundle)
    if (bytes === undefined) throw new Error('not there')
    const parsed = parseManifest(bytes, fetch.bundle)
    if (parsed.verdict === 'accept') return bytes
    liar(fetch, provider, `its manifest is not: ${parsed.detail}`)
    throw new Error(parsed.detail)
  })
  const first = await Promise.any(answers).catch(() => undefined)
  return first && fetch.store.openPartial(first)
}

function liar({ liars, options, record, refusals }: Fetch, provider: Provider, detail: string): void {
  if (liars.has(provider.peer)) return
  liars.add(provider.peer)
  record.lied(provider.peer)
  refusals?.count('bundle', 'Lied', provider.peer, detail)
  provider.close()
  options.onLiar?.(provider.peer, detail)
}

/** Every provider works through what is missing until nothing is left for it, it fails, or it lies. */
async function fetchChunks(
  fetch: Fetch,
  partial: PartialBundle,
  providers: readonly Provider[],
  tell: (providers: number) => void
): Promise<void> {
  const { bundle, limits } = fetch
  const board = new ChunkBoard(partial.missing(), limits.slowMs)
  let working = providers.length

  async function work(provider: Provider): Promise<void> {
    while (provider.open) {
      const ref = await board.take(provider.peer)
      if (ref === undefined) return
      const bytes = await provider.chunk(bundle, ref)
      // R19: verified before it is written; what does not verify is fetched from somebody else.
      if (bytes !== undefined && (await partial.write(ref, bytes))) {
        provider.noteGift()
        fetch.record.gave(provider.peer)
        board.done(ref)
        tell(working)
        continue
      }
      board.giveBack(ref, provider.peer)
      if (bytes !== undefined) liar(fetch, provider, `chunk ${ref.chunk} of ${ref.path} is not what the manifest says`)
      provider.close()
    }
  }

  await Promise.all(
    providers.map(async provider => {
      try {
        if (!(await provider.reached())) return
        await Promise.all(Array.from({ length: limits.window }, () => work(provider)))
      } catch (thrown) {
        // Our own disk failed: nobody else can help.
        board.end()
        throw thrown
      } finally {
        working--
        if (working === 0) board.end()
      }
    })
  )
}
