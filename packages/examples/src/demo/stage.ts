import type { Client } from '@instar/client'
import type { LocalNetwork, LocalPeer } from '@instar/local-network'
import { createCaller, toAnswer } from './callers.js'
import { createDemoClient, type CallError, type DemoClient } from './clients.js'
import { createPlainSet, type PlainSet } from './plain-set.js'
import type { DemoSettings } from './settings.js'
import type { Watch } from './watch.js'
import { intSet } from '../int-set/contracts.js'

/** A client of one version: the program that connects, and the lanes that keep calling. */
interface Player {
  readonly program: Client
  readonly client: DemoClient
}

/** Everything on the stage: the network, its peers with the state that they have to hold, and who calls them. */
export interface Stage {
  readonly network: LocalNetwork
  readonly peers: readonly LocalPeer[]
  peer(name: string): LocalPeer
  setOf(name: string): PlainSet
  /** Compares and prepares state; its calls are not counted among the clients'. */
  readonly checker: Client
  readonly players: { readonly 1: Player; readonly 2: Player }
  readonly errors: readonly CallError[]
  addSet(name: string): PlainSet
  /** Lets the client of a version call a peer from now on. */
  play(version: 1 | 2, name: string): void
}

export async function createStage(init: {
  network: LocalNetwork
  settings: DemoSettings
  watch: Watch
  onError: (error: CallError) => void
}): Promise<Stage> {
  const { network, settings, watch } = init
  const sets = new Map<string, PlainSet>()
  const errors: CallError[] = []

  async function player(version: 1 | 2): Promise<Player> {
    const client = createDemoClient({
      version,
      lanesPerPeer: settings.lanesPerPeer,
      pauseMs: settings.pauseMs,
      random: Math.random,
      now: () => performance.now(),
      onError(error) {
        if (errors.length === errorsMax) return
        errors.push(error)
        init.onError(error)
      }
    })
    return { program: await network.client(), client }
  }

  function peer(name: string): LocalPeer {
    const found = network.peers.find(each => each.name === name)
    if (found === undefined) throw new Error(`there is no peer ${name}`)
    return found
  }

  function setOf(name: string): PlainSet {
    const set = sets.get(name)
    if (set === undefined) throw new Error(`nothing is known about the state of ${name}`)
    return set
  }

  const players = { 1: await player(1), 2: await player(2) }
  return {
    network,
    get peers() {
      return network.peers
    },
    peer,
    setOf,
    checker: await network.client(),
    players,
    errors,
    addSet(name) {
      const set = createPlainSet(settings.span)
      sets.set(name, set)
      return set
    },
    play(version, name) {
      const { program, client } = players[version]
      const mayRunVersion1 = (): boolean => (watch.of(name).status?.running.version ?? 1) < 2
      const called = { name, set: setOf(name), mayRunVersion1 }
      client.addPeer(called, createCaller(program, peer(name).id, settings.callDeadlineMs))
    }
  }
}

/** Told and kept for the summary; the others are counted, and would not say more. */
const errorsMax = 10
const fillingAtOnce = 64

/** Puts the elements 0 to `count` - 1 into the object of a peer, as version 1. @throws Error when it does not hold them afterwards */
export async function fill(stage: Stage, name: string, count: number, deadlineMs: number): Promise<void> {
  const set = stage.addSet(name)
  const object = stage.checker.object(intSet, stage.peer(name).id, { version: 1, deadlineMs })
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      const x = next++
      await object.insert(x)
      set.set(x, 'blue')
    }
  }
  await Promise.all(Array.from({ length: fillingAtOnce }, lane))
  const size = await toAnswer(object.size())
  if (!size.ok || size.value !== count) throw new Error(`${name} holds ${JSON.stringify(size)}, not ${count} elements`)
}
