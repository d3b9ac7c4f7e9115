import { fileURLToPath } from 'node:url'
import { CallError } from '@instar/core'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { createCaller } from './callers.js'
import { checkState, type StateCheck } from './check-state.js'
import type { CallError as ClientError } from './clients.js'
import type { DemoSettings } from './settings.js'
import { createStage, fill, type Stage } from './stage.js'
import type { Watch } from './watch.js'

/** What the summary is made of, besides the watch and the clients' counts. */
export interface Outcome {
  readonly kill: {
    readonly peer: string
    readonly signal: string
    /** What it ran when it had been started again: the old version, because the transform was not finished. */
    readonly versionAfterRestart: number
    readonly awayMs: number
  }
  readonly latecomer: { readonly peer: string; readonly joinedAtVersion: number }
  readonly checks: readonly NamedCheck[]
  /** What every peer answers to version 1 in the end. */
  readonly retired: readonly RetiredAnswer[]
}

interface NamedCheck extends StateCheck {
  readonly peer: string
  readonly version: 1 | 2
  readonly when: 'before retirement' | 'after retirement'
}

interface RetiredAnswer {
  readonly peer: string
  readonly code: string
  readonly served: readonly [low: number, high: number] | undefined
}

export interface ScenarioInit {
  readonly settings: DemoSettings
  /** Empty; the caller removes it. */
  readonly directory: string
  readonly watch: Watch
  /** One line for people about what happens now. */
  readonly tell: (line: string) => void
  readonly onNetwork: (network: LocalNetwork) => void
  readonly onStage: (stage: Stage) => void
  readonly onError: (error: ClientError) => void
  readonly signal: AbortSignal
}

interface Scene extends ScenarioInit {
  /** Ends every wait when a peer has died that should not. */
  readonly broken: AbortController
}

/** The demo's story from the first peer to the retirement of version 1. Leaves everything running. @throws Error when a step does not come about */
export async function playScenario(given: ScenarioInit): Promise<Outcome> {
  const broken = new AbortController()
  const init: Scene = { ...given, broken, signal: AbortSignal.any([given.signal, broken.signal]) }
  const { settings, watch, tell } = init
  const { victim, latecomer } = settings
  const stage = await startNetwork(init)

  await publish(init, stage)

  await until(init, `${victim} is killed`, () => watch.of(victim).state === 'killed')
  const killedAtMs = performance.now()
  const signal = stage.peer(victim).lastEnd?.signal ?? 'no signal'
  tell(`${victim}: ${signal} in the middle of its transform`)

  const joinedAtVersion = await joinLate(init, stage)

  await startPeer(init, stage.peer(victim))
  const versionAfterRestart = (await stage.peer(victim).status()).running.version
  const awayMs = performance.now() - killedAtMs
  tell(`${victim} is back with version ${versionAfterRestart} and all its state, and begins again`)

  const isDone = (name: string): boolean => watch.of(name).phase === 'committed' || watch.of(name).status?.floor === 2
  await until(init, 'every peer runs version 2', () => [...settings.peers, latecomer].every(isDone))
  tell('version 2 runs everywhere; comparing state, as both versions show it')
  const before = await checkAll(init, stage, [1, 2], 'before retirement')

  await unlessAborted(init.signal, stage.players[1].client.stop())
  tell(`the client of version 1 has gone; version 1 retires once quiet for ${settings.retireAfter}`)
  await until(init, 'version 1 is retired', () => watch.peers.every(({ status }) => status?.served?.[0] === 2))
  const retired = await Promise.all(stage.peers.map(({ name }) => askRetired(stage, name)))
  tell('version 1 is retired everywhere; comparing state once more')
  const after = await checkAll(init, stage, [2], 'after retirement')
  await unlessAborted(init.signal, stage.players[2].client.stop())
  return {
    kill: { peer: victim, signal, versionAfterRestart, awayMs },
    latecomer: { peer: latecomer, joinedAtVersion },
    checks: [...before, ...after],
    retired
  }
}

async function startNetwork(init: Scene): Promise<Stage> {
  const { settings, watch, tell, signal } = init
  for (const name of settings.peers) watch.expect(name)
  tell('creating a network: trust root, keys, IntSet as version 1')
  const network = await createLocalNetwork({ classes: [moduleAt('v1')], directory: init.directory })
  init.onNetwork(network)
  const start = async (name: string): Promise<void> => {
    const isVictim = name === settings.victim
    await startPeer(init, network.addPeer(name), isVictim ? { faults: 'kill-all:after:transforming@2' } : {})
  }
  const [first = '', ...others] = settings.peers
  await start(first)
  await Promise.all(others.map(start))

  signal.throwIfAborted()
  const stage = await createStage({ network, settings, watch, onError: init.onError })
  init.onStage(stage)
  tell(`${settings.peers.length} peers run; putting ${settings.elementsPerPeer} elements into each`)
  const fillings = settings.peers.map(name => fill(stage, name, settings.elementsPerPeer, settings.callDeadlineMs))
  await unlessAborted(signal, Promise.all(fillings))
  for (const name of settings.peers) stage.play(1, name)
  tell('a client of version 1 calls all of them from now on')
  return stage
}

/** Starts a peer and follows it until it ends. */
async function startPeer(init: Scene, peer: LocalPeer, options: { readonly faults?: string } = {}): Promise<void> {
  const { watch, signal, broken } = init
  signal.throwIfAborted()
  await peer.start({ ownGroup: true, ...options })
  watch.follow(peer)
  void peer.ended().then(() => {
    const isPlanned = options.faults !== undefined && peer.lastEnd?.signal === 'SIGKILL'
    watch.mark(peer.name, isPlanned ? 'killed' : 'stopped')
    if (!isPlanned) broken.abort(new Error(`${peer.name} ended by itself: ${peer.output.slice(-10).join(' | ')}`))
  })
}

async function publish(init: Scene, stage: Stage): Promise<void> {
  const { settings, watch, tell } = init
  const publisher = stage.peer(settings.publisher)
  const proposal = await stage.network.buildUpgrade(publisher, {
    modules: [moduleAt('v2')],
    title: 'ColorSet',
    schedule: settings.schedule,
    retireAfter: settings.retireAfter,
    retireBy: settings.retireBy
  })
  init.signal.throwIfAborted()
  tell(`version 2, ColorSet, is built and signed; ${settings.publisher} publishes it`)
  // The first calls of version 2 come before anybody knows it: they are retried until it is introduced.
  for (const name of settings.peers) stage.play(2, name)
  await stage.network.publish(publisher, proposal)
  await until(init, 'everybody knows version 2', () => watch.peers.every(each => each.firstSeen.size > 0))
}

/** A new peer gets into a network that runs two versions; both clients call it from now on. */
async function joinLate(init: Scene, stage: Stage): Promise<number> {
  const { latecomer } = init.settings
  init.watch.expect(latecomer)
  await startPeer(init, stage.network.addPeer(latecomer))
  stage.addSet(latecomer)
  await until(init, `${latecomer} serves`, () => init.watch.of(latecomer).status?.served !== undefined)
  const version = init.watch.of(latecomer).status?.running.version ?? 0
  init.tell(`${latecomer}, a sixth peer, has joined at version ${version}`)
  stage.play(1, latecomer)
  stage.play(2, latecomer)
  const answers = (client: 1 | 2): boolean => stage.players[client].client.counts.longestMs.has(latecomer)
  await until(init, `${latecomer} answers both clients`, () => answers(1) && answers(2))
  return version
}

async function checkAll(
  init: Scene,
  stage: Stage,
  versions: readonly (1 | 2)[],
  when: NamedCheck['when']
): Promise<readonly NamedCheck[]> {
  const checks = stage.peers.flatMap(({ name, id }) =>
    versions.map(async (version): Promise<NamedCheck> => {
      const caller = createCaller(stage.checker, id, init.settings.callDeadlineMs)
      return { peer: name, version, when, ...(await checkState(stage.setOf(name), caller, version)) }
    })
  )
  return unlessAborted(init.signal, Promise.all(checks))
}

/** One call of version 1, without retries. */
async function askRetired(stage: Stage, name: string): Promise<RetiredAnswer> {
  const call = { className: 'IntSet', version: 1, method: 'contains', args: [1], kind: 'query', retry: false } as const
  try {
    await stage.checker.call(stage.peer(name).id, call)
    return { peer: name, code: 'answered', served: undefined }
  } catch (thrown) {
    if (!(thrown instanceof CallError)) throw thrown
    return { peer: name, code: thrown.code, served: thrown.detail.served }
  }
}

/** Calls to peers that are being stopped would be retried until their deadline. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function until(init: Scene, what: string, condition: () => boolean): Promise<void> {
  return init.watch.until(what, condition, { timeoutMs: init.settings.stepTimeoutMs, signal: init.signal })
}

function moduleAt(version: 'v1' | 'v2'): string {
  return fileURLToPath(new URL(`../int-set/${version}.js`, import.meta.url))
}
