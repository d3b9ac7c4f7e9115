import { mkdtemp, rm } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '@instar/core'
import type { LocalNetwork } from '@instar/local-network'
import { createRate } from './rate.js'
import { narrate } from './narrate.js'
import { playScenario, type Outcome } from './scenario.js'
import type { Screen } from './screen.js'
import type { DemoSettings } from './settings.js'
import type { Stage } from './stage.js'
import { toSummary, type Summary } from './summary.js'
import type { ClientRow, Frame } from './view.js'
import { createWatch } from './watch.js'

/** One run of the demo: what it shows, its result, and an end that leaves nothing behind. */
export interface DemoRun {
  readonly directory: string
  frame(): Omit<Frame, 'elapsedMs' | 'events'>
  elapsedMs(): number
  /** Plays the story. @throws Error when a step does not come about, or the signal's reason */
  play(screen: Pick<Screen, 'tell'>): Promise<Summary>
  /** Ends every process that this run started and removes the folder. Safe to call at any moment, and twice. */
  stop(): Promise<void>
  /** The same by force and at once, for the last moment of this process. */
  kill(): void
}

export async function createDemoRun(settings: DemoSettings, signal: AbortSignal): Promise<DemoRun> {
  const startedMs = performance.now()
  const directory = await mkdtemp(join(tmpdir(), 'instar-demo-'))
  const watch = createWatch()
  const rates = { 1: createRate(() => performance.now()), 2: createRate(() => performance.now()) }
  let network: LocalNetwork | undefined
  let stage: Stage | undefined
  let playing: Promise<unknown> = Promise.resolve()

  const elapsedMs = (): number => performance.now() - startedMs

  function clientRow(version: 1 | 2): ClientRow {
    const player = stage?.players[version]
    const counts = player?.client.counts
    const calls = counts?.calls ?? 0
    return {
      version,
      calls,
      callsPerSecond: Math.round(rates[version].perSecond(calls)),
      disallowed: counts?.refused ?? 0,
      retries: player?.program.counters.retries ?? 0,
      errors: (counts?.givenUp ?? 0) + (counts?.wrong ?? 0),
      underWay: player?.client.callsUnderWay ?? 0
    }
  }

  async function play({ tell }: Pick<Screen, 'tell'>): Promise<Summary> {
    narrate(watch, tell)
    const outcome: Outcome = await playScenario({
      settings,
      directory,
      watch,
      tell,
      signal,
      onNetwork: created => (network = created),
      onStage: set => (stage = set),
      onError: error => tell(`ERROR at ${error.peer}: ${error.why}`)
    })
    const players = stage === undefined ? [] : [stage.players[1], stage.players[2]]
    return toSummary({
      totalMs: elapsedMs(),
      publisher: settings.publisher,
      peers: watch.peers,
      clients: players.map(({ client, program }) => ({ client, retries: program.counters.retries })),
      errors: stage?.errors ?? [],
      outcome
    })
  }

  return {
    directory,
    elapsedMs,
    frame: () => ({ peers: watch.peers, clients: [clientRow(1), clientRow(2)] }),
    async play(screen) {
      const story = play(screen)
      playing = story.catch((thrown: unknown) => messageOf(thrown))
      return story
    },
    async stop() {
      // Peers that stop fail the step that is under way; what that step still started is stopped in the second round.
      await network?.stop({ keep: true })
      await playing
      await network?.stop({ keep: true })
      await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
    kill() {
      for (const { pid } of network?.peers ?? []) if (pid !== undefined) killGroup(pid)
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    }
  }
}

/** Each peer leads a group of its own, with its host in it. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}
