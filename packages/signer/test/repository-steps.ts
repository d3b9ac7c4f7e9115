import fc from 'fast-check'
import type { JsonObject } from '../src/metadata/canonical.js'
import { createKeyPair, type KeyPair } from '../src/index.js'
import { dayMs, topRoles, type PublishOptions, type ScriptedRepository, type TopRole } from './repository-kit.js'

/** What the writer of a repository does, or an attacker in its place. */
export type Step =
  | { readonly do: 'publish'; readonly roles: readonly TopRole[]; readonly flaw?: { role: TopRole; kind: Flaw } }
  | {
      readonly do: 'rotate'
      readonly role: TopRole
      readonly keys: readonly number[]
      readonly threshold: number
      readonly by: Signed
    }
  | { readonly do: 'number'; readonly role: TopRole; readonly by: number }
  | { readonly do: 'life'; readonly role: TopRole; readonly days: number }
  | { readonly do: 'hashes'; readonly on: boolean }
  | { readonly do: 'member'; readonly present: boolean }
  | { readonly do: 'pass'; readonly days: number }
  | { readonly do: 'refresh' }

type Signed = 'both' | 'old' | 'new'
const flaws = [
  ...(['stranger', 'fewer', 'corrupt', 'twice', 'version', 'type', 'cut', 'missing', 'no JSON'] as const),
  ...(['hash', 'length', 'spec', 'no meta', 'member', 'threshold 0'] as const)
] as const
type Flaw = (typeof flaws)[number]

/** The keys of all random repositories. */
export const keyPool: readonly KeyPair[] = Array.from({ length: 12 }, () => createKeyPair())

const role = fc.constantFrom(...topRoles)
const chain = ['targets', 'snapshot', 'timestamp'] as const
const published = fc.constantFrom<readonly TopRole[]>(
  [...chain],
  ['root', ...chain],
  ['snapshot', 'timestamp'],
  ['timestamp'],
  ['root']
)
const rotated = {
  do: fc.constant('rotate' as const),
  role,
  keys: fc.uniqueArray(fc.nat(keyPool.length - 1), { minLength: 1, maxLength: 4 })
}

const honest = {
  publish: fc.record({ do: fc.constant('publish' as const), roles: published }),
  rotate: fc.record({ ...rotated, threshold: fc.integer({ min: 1, max: 4 }), by: fc.constant<Signed>('both') }),
  hashes: fc.record({ do: fc.constant('hashes' as const), on: fc.boolean() }),
  pass: fc.record({ do: fc.constant('pass' as const), days: fc.integer({ min: 1, max: 9 }) }),
  refresh: fc.constant({ do: 'refresh' as const })
}

export const honestSteps: fc.Arbitrary<readonly Step[]> = fc.array(fc.oneof(...Object.values(honest)), {
  maxLength: 20
})

const wrong = {
  publish: fc.record({
    do: fc.constant('publish' as const),
    roles: published,
    flaw: fc.record({ role, kind: fc.constantFrom(...flaws) })
  }),
  rotate: fc.record({
    ...rotated,
    threshold: fc.integer({ min: 1, max: 5 }),
    by: fc.constantFrom<Signed>('both', 'old', 'new')
  }),
  number: fc.record({ do: fc.constant('number' as const), role, by: fc.constantFrom(-2, -1, 1, 50) }),
  life: fc.record({ do: fc.constant('life' as const), role, days: fc.constantFrom(-1, 5, 30, 30) }),
  member: fc.record({ do: fc.constant('member' as const), present: fc.boolean() })
}

/** What shows only when a client saw the state before it: each step is published and read. */
const publishAll: Step = { do: 'publish', roles: ['targets', 'snapshot', 'timestamp'] }
const seen = (step: Step): readonly Step[] => [step, publishAll, { do: 'refresh' }]
const attacks = fc.oneof(
  fc
    .tuple(role, fc.constantFrom(-3, -2))
    .map(([each, by]) => [publishAll, ...seen(publishAll), ...seen({ do: 'number', role: each, by })]),
  fc.constant([...seen({ do: 'member', present: true }), ...seen({ do: 'member', present: false })])
)

/** Each walk begins with a good repository and mixes what a good writer does with what goes wrong. */
export const anySteps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      ...[...Object.values(honest), honest.refresh, honest.publish, ...Object.values(wrong)].map(each =>
        (each as fc.Arbitrary<Step>).map(step => [step])
      ),
      attacks
    ),
    { minLength: 2, maxLength: 14 }
  )
  .map(parts => parts.flat())

/** Does everything but `refresh`, which is the test's. */
export async function runStep(repository: ScriptedRepository, step: Step): Promise<void> {
  switch (step.do) {
    case 'publish':
      for (const each of step.roles) {
        const flawed = each === step.flaw?.role
        await publish(repository, each, flawed ? step.flaw.kind : undefined)
      }
      return
    case 'rotate':
      return rotate(repository, step)
    case 'number':
      repository.roles[step.role].version = Math.max(0, repository.roles[step.role].version + step.by)
      return
    case 'life':
      repository.roles[step.role].lifeMs = step.days * dayMs
      return
    case 'hashes':
      repository.withHashes = step.on
      return
    case 'member':
      if (step.present) repository.snapshotMeta['other.json'] = { version: 1 }
      else delete repository.snapshotMeta['other.json']
      return
    case 'pass':
      repository.nowMs += step.days * dayMs
      return
    case 'refresh':
  }
}

/** A root with the new keys, and everything that they sign anew. */
async function rotate(repository: ScriptedRepository, step: Step & { do: 'rotate' }): Promise<void> {
  const before = repository.roles.root
  const old = before.keys.slice(0, before.threshold)
  const keys = step.keys.map(each => keyPool[each] as KeyPair)
  repository.rotate(step.role, keys, step.by === 'both' ? Math.min(step.threshold, keys.length) : step.threshold)
  const next = repository.roles.root.keys
  const signers = { both: [...new Set([...old, ...next])], old, new: next }[step.by]
  await repository.publishOne('root', { signers })
  await repository.publish('targets', 'snapshot', 'timestamp')
}

async function publish(repository: ScriptedRepository, role: TopRole, flaw: Flaw | undefined): Promise<void> {
  const bytes = await repository.publishOne(role, flaw === undefined ? {} : optionsOf(repository, role, flaw))
  if (flaw === 'missing') {
    for (const [name, each] of repository.files) if (each === bytes) repository.files.delete(name)
  }
  const named = {
    version: repository.roles[role].version,
    length: bytes.byteLength,
    hashes: { sha256: '0'.repeat(64) }
  }
  const { hashes: _, ...tooLong } = { ...named, length: named.length + 1 }
  const meta = flaw === 'hash' ? named : flaw === 'length' ? tooLong : undefined
  if (meta !== undefined && role === 'targets') repository.snapshotMeta['targets.json'] = meta
  if (meta !== undefined && role === 'snapshot') repository.timestampMeta = meta
}

function optionsOf(repository: ScriptedRepository, role: TopRole, flaw: Flaw): PublishOptions {
  const { keys, threshold } = repository.roles[role]
  const signers = keys.slice(0, threshold)
  const body = (change: JsonObject): PublishOptions => ({ body: signed => ({ ...signed, ...change }) })
  const file = (change: (text: string) => string): PublishOptions => ({
    file: bytes => new Uint8Array(Buffer.from(change(Buffer.from(bytes).toString('utf8'))))
  })
  switch (flaw) {
    case 'stranger':
      return { signers: [createKeyPair()] }
    case 'fewer':
      return { signers: signers.slice(1) }
    case 'corrupt':
      return file(text => text.replace(/"sig":"../, '"sig":"00'))
    case 'twice':
      return { signers: [...signers, ...signers.slice(0, 1)] }
    case 'version':
      return body({ version: repository.roles[role].version + 2 })
    case 'type':
      return body({ _type: role === 'targets' ? 'snapshot' : 'targets' })
    case 'cut':
      return { file: bytes => bytes.slice(0, bytes.byteLength >> 1) }
    case 'no JSON':
      return file(() => 'nothing')
    case 'spec':
      return body({ spec_version: '2.0.0' })
    case 'no meta':
      return body({ meta: {}, targets: 1, keys: {} })
    case 'member':
      return body({ custom: { of: ['others', 1] } })
    case 'threshold 0': {
      const roles = Object.fromEntries(topRoles.map(each => [each, { keyids: [], threshold: 0 }]))
      return role === 'root' ? body({ roles }) : {}
    }
    case 'missing':
    case 'hash':
    case 'length':
      return {}
  }
}
