import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeOfPlan, InstarError, messageOf, type CodeRef, type HostPlan } from '@instar/core'
import type { Logger } from 'pino'
import { onDisk } from '../store/disk-errors.js'
import { moduleKey } from './control-messages.js'
import { startHostProcess } from './host-process.js'

export interface RehearsalInit {
  /** What is to be tried, in order and on one state that begins empty: for example the introduction, and then the upgrade itself. */
  readonly plans: readonly HostPlan[]
  readonly modulePath: (ref: CodeRef) => string | Promise<string>
  readonly network: string
  /** An existing folder for the state that is tried out; what a killed peer leaves in it is nobody's. */
  readonly scratchDirectory: string
  readonly log: Logger
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly signal?: AbortSignal
}

export type RehearsalResult =
  | { readonly ok: true; readonly elapsedMs: number }
  | { readonly ok: false; readonly error: InstarError; readonly elapsedMs: number }

/**
 * Runs plans in a scratch host (§2): a process of its own for each, which can neither reach the network nor read the peer's data, with a
 * state in a temporary folder. It imports and checks every module, opens the state, with the transform where the plan has one, drains and
 * closes. A module that throws, exits, loops or floods memory fails here and costs nobody a call (P2). Never throws.
 */
export async function rehearse(init: RehearsalInit): Promise<RehearsalResult> {
  const { now } = init
  const startedAt = now()
  let scratch: string | undefined
  try {
    scratch = await onDisk(init.scratchDirectory, () => mkdtemp(join(init.scratchDirectory, 'rehearsal-')))
    for (const plan of init.plans) await rehearsePlan(init, plan, scratch)
    return { ok: true, elapsedMs: now() - startedAt }
  } catch (thrown) {
    const error =
      thrown instanceof InstarError
        ? thrown
        : new InstarError('HostFailed', `The rehearsal failed: ${messageOf(thrown)}.`, { cause: thrown })
    return { ok: false, error, elapsedMs: now() - startedAt }
  } finally {
    // What is left is nobody's: the next start of the peer empties the folder.
    if (scratch !== undefined)
      await rm(scratch, { recursive: true, force: true }).catch((thrown: unknown) => init.log.warn(messageOf(thrown)))
  }
}

async function rehearsePlan(init: RehearsalInit, plan: HostPlan, scratch: string): Promise<void> {
  const modules = new Map<string, string>()
  for (const ref of codeOfPlan(plan)) modules.set(moduleKey(ref), await init.modulePath(ref))
  const host = startHostProcess({
    ...init,
    plan,
    modulePath: ref => modules.get(moduleKey(ref)) ?? init.modulePath(ref),
    stateDirectory: join(scratch, 'state'),
    scratch: {
      execArgv: confinement(
        [...modules.values()].map(path => dirname(path)),
        scratch
      )
    }
  })
  try {
    await host.load(init.signal)
    await host.open({ signal: init.signal })
    await host.drain()
    await host.close()
  } finally {
    await host.kill()
  }
}

/**
 * Node's permission model: files only of the bundles, of Instar and its dependencies; written only in the scratch folder; no processes.
 * LevelDB needs its addon, and the addon's loader a look at one file of the system; the watch over the peer's end needs a worker. A seat
 * belt, not a wall.
 */
function confinement(bundles: readonly string[], scratch: string): string[] {
  const readable = [...new Set([...bundles, ...installation(), scratch, '/etc/alpine-release'])]
  return [
    '--permission',
    '--allow-addons',
    '--allow-worker',
    ...readable.map(path => `--allow-fs-read=${path}`),
    `--allow-fs-write=${scratch}`
  ]
}

/** This package, the packages beside it, and every folder of dependencies above them. */
function installation(): string[] {
  const resolver = createRequire(import.meta.url)
  const own = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
  const siblings = ['@instar/core', '@instar/rpc', '@instar/simulator-runtime'].map(name =>
    dirname(realpathSync(resolver.resolve(`${name}/package.json`)))
  )
  const roots = [own, ...siblings]
  const folders = roots.flatMap(root => [root, ...above(root)])
  return [...new Set(folders)].filter(path => existsSync(path))
}

function above(root: string): string[] {
  const found: string[] = []
  for (let folder = root; dirname(folder) !== folder; folder = dirname(folder)) {
    // Node looks for both on its way to a module.
    found.push(join(folder, 'node_modules'), join(folder, 'package.json'))
  }
  return found
}
