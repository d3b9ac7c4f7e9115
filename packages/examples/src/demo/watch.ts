import type { ControlEvent, LocalPeer, PeerStatus } from '@instar/local-network'
import { messageOf } from '@instar/core'

/** What the demo has seen of one peer, from its control API. */
export interface WatchedPeer {
  readonly name: string
  /** Short form of its id, as reasons name it. */
  readonly shortId: string
  readonly state: 'starting' | 'running' | 'killed' | 'stopped'
  readonly status: PeerStatus | undefined
  /** When it first spoke of version 2 in a phase, milliseconds since 1970 by its own clock, which is everyone's here. */
  readonly firstSeen: ReadonlyMap<string, number>
  /** How long calls waited while its host was switched, by purpose. */
  readonly pausesMs: { readonly introduction?: number; readonly upgrade?: number }
  /** Phase of version 2 and the reason, for people. */
  readonly phase: string
  readonly reason: string
}

/** Follows peers and resolves waits when what they say satisfies a condition. */
export interface Watch {
  readonly peers: readonly WatchedPeer[]
  of(name: string): WatchedPeer
  expect(name: string): void
  /** Follows a peer that has just started, until it ends. */
  follow(peer: LocalPeer): void
  mark(name: string, state: WatchedPeer['state']): void
  /** @throws Error that says what was waited for and what was seen last; or the signal's reason */
  until(what: string, condition: () => boolean, limits: { timeoutMs: number; signal: AbortSignal }): Promise<void>
  /** Told of every event, after it has been taken in. */
  onEvent(listener: (peer: WatchedPeer, event: ControlEvent) => void): void
  onChange(listener: () => void): void
}

/** The version whose roll-out is watched. */
const version = 2

/** After its introduction and before it switches, a version's last pause is that of its introduction; from the trial on, that of its upgrade. */
const introducedPhases: ReadonlySet<string> = new Set(['probation', 'introduced', 'waiting'])
const upgradedPhases: ReadonlySet<string> = new Set(['trial', 'committed'])

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Entry = Writable<Omit<WatchedPeer, 'firstSeen' | 'pausesMs'>> & {
  firstSeen: Map<string, number>
  pausesMs: Writable<WatchedPeer['pausesMs']>
}

export function createWatch(): Watch {
  const entries = new Map<string, Entry>()
  const eventListeners: ((peer: WatchedPeer, event: ControlEvent) => void)[] = []
  const changeListeners = new Set<() => void>()

  const changed = (): void => {
    for (const listener of changeListeners) listener()
  }

  function entryOf(name: string): Entry {
    const entry = entries.get(name)
    if (entry === undefined) throw new Error(`nobody expects a peer ${name}`)
    return entry
  }

  function take(entry: Entry, event: ControlEvent): void {
    if (event.type === 'phase' && event.version === version) {
      entry.phase = event.phase
      entry.reason = event.reason ?? ''
      if (!entry.firstSeen.has(event.phase)) entry.firstSeen.set(event.phase, Date.parse(event.at))
    }
    if (event.type === 'status') takeStatus(entry, event.status)
    for (const listener of eventListeners) listener(entry, event)
    changed()
  }

  async function followEvents(entry: Entry, peer: LocalPeer): Promise<void> {
    try {
      for await (const event of peer.control.events()) take(entry, event)
    } catch (thrown) {
      // A peer that was killed leaves its readers without a last word; while it runs, that would be a failure of its control API.
      if (peer.running) entry.reason = `its events cannot be followed: ${messageOf(thrown)}`
    }
    changed()
  }

  return {
    get peers() {
      return [...entries.values()]
    },
    of: entryOf,
    expect(name) {
      const entry = { name, shortId: '', status: undefined, firstSeen: new Map<string, number>(), pausesMs: {} }
      entries.set(name, { ...entry, state: 'starting', phase: '', reason: '' })
      changed()
    },
    follow(peer) {
      const entry = entryOf(peer.name)
      entry.state = 'running'
      entry.shortId = `…${peer.id.slice(-8)}`
      void followEvents(entry, peer)
      changed()
    },
    mark(name, state) {
      entryOf(name).state = state
      changed()
    },
    until(what, condition, { timeoutMs, signal }) {
      return new Promise((resolve, reject) => {
        const seen = (): string =>
          [...entries.values()].map(each => `${each.name} ${each.state} ${each.phase} ${each.reason}`).join('; ')
        const look = (): void => {
          if (condition()) end(resolve)
        }
        const onAbort = (): void => end(() => reject(signal.reason as Error))
        const onTimeout = (): void =>
          end(() => reject(new Error(`${what}: not within ${timeoutMs / 1000} s. Last seen: ${seen()}`)))
        const timer = setTimeout(onTimeout, timeoutMs)
        function end(how: () => void): void {
          clearTimeout(timer)
          changeListeners.delete(look)
          signal.removeEventListener('abort', onAbort)
          how()
        }
        signal.addEventListener('abort', onAbort)
        changeListeners.add(look)
        if (signal.aborted) onAbort()
        else look()
      })
    },
    onEvent: listener => void eventListeners.push(listener),
    onChange: listener => void changeListeners.add(listener)
  }
}

function takeStatus(entry: Entry, status: PeerStatus): void {
  entry.status = status
  const shown = status.versions.find(each => each.version === version)
  if (shown === undefined) return
  entry.phase = shown.phase
  entry.reason = shown.reason ?? ''
  const { lastPauseMs } = shown
  if (lastPauseMs === undefined) return
  if (introducedPhases.has(shown.phase)) entry.pausesMs.introduction ??= lastPauseMs
  if (upgradedPhases.has(shown.phase)) entry.pausesMs.upgrade ??= lastPauseMs
}
