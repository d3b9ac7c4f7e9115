import type { Json } from '@instar/core'
import { signDocument, toExpires } from '../src/authoring/bodies.js'
import { toKeyJson } from '../src/keys/public-key.js'
import { hashOf, type JsonObject } from '../src/metadata/canonical.js'
import { createKeyPair, RepositoryClient, type KeyPair, type RefreshedRepository } from '../src/index.js'

export const startMs = Date.parse('2030-01-01T00:00:00Z')
export const dayMs = 86_400_000
export const topRoles = ['root', 'timestamp', 'snapshot', 'targets'] as const
export type TopRole = (typeof topRoles)[number]

export interface PublishOptions {
  /** Who signs instead of the role's own keys. */
  readonly signers?: readonly KeyPair[]
  readonly body?: (signed: JsonObject) => JsonObject
  /** What is done to the file after it was signed. */
  readonly file?: (bytes: Uint8Array) => Uint8Array
}

interface RoleState {
  keys: readonly KeyPair[]
  threshold: number
  version: number
  lifeMs: number
}

/** A TUF repository with one writer, who may be told to do everything wrong. Its files lie in `files`, as a server would find them. */
export class ScriptedRepository {
  readonly files = new Map<string, Uint8Array>()
  readonly requests: string[] = []
  nowMs = startMs
  /** Whether timestamp and snapshot name length and hash of what they name. */
  withHashes = false
  targets: Record<string, JsonObject> = {}
  delegations: JsonObject | undefined
  snapshotMeta: Record<string, Json> = {}
  timestampMeta: Json = { version: 1 }
  readonly roles: Record<TopRole, RoleState>
  /** Extra members of root's `keys`, and key ids that a role has besides its own. */
  moreKeys: Record<string, Json> = {}
  moreKeyIds: Partial<Record<TopRole, readonly string[]>> = {}

  constructor(makeKey: () => KeyPair = createKeyPair) {
    const role = (): RoleState => ({ keys: [makeKey()], threshold: 1, version: 0, lifeMs: 30 * dayMs })
    this.roles = { root: role(), timestamp: role(), snapshot: role(), targets: role() }
  }

  static async create(makeKey?: () => KeyPair): Promise<ScriptedRepository> {
    const repository = new ScriptedRepository(makeKey)
    await repository.publish('root', 'targets', 'snapshot', 'timestamp')
    return repository
  }

  async publish(...roles: readonly TopRole[]): Promise<void> {
    for (const role of roles) await this.publishOne(role)
  }

  /** The next version of one role; those above it learn of it when they are published themselves. */
  async publishOne(role: TopRole, options: PublishOptions = {}): Promise<Uint8Array> {
    const { keys, threshold } = this.roles[role]
    const version = ++this.roles[role].version
    const body = options.body ?? (signed => signed)
    const signed = await signDocument(body(this.bodyOf(role)), options.signers ?? keys.slice(0, threshold))
    const bytes = options.file?.(signed) ?? signed
    this.files.set(role === 'timestamp' ? 'timestamp.json' : `${version}.${role}.json`, bytes)
    const meta = this.metaOf(version, bytes)
    if (role === 'targets') this.snapshotMeta = { ...this.snapshotMeta, 'targets.json': meta }
    if (role === 'snapshot') this.timestampMeta = meta
    return bytes
  }

  /** A role that top-level targets delegate to. */
  async publishDelegated(name: string, signed: JsonObject, signers: readonly KeyPair[], version = 1): Promise<void> {
    const bytes = await signDocument({ ...this.common('targets', version, dayMs), ...signed }, signers)
    this.files.set(`${version}.${name}.json`, bytes)
    this.snapshotMeta = { ...this.snapshotMeta, [`${name}.json`]: this.metaOf(version, bytes) }
  }

  /** New keys for a role; the next root names them. */
  rotate(role: TopRole, keys: readonly KeyPair[], threshold = keys.length): void {
    Object.assign(this.roles[role], { keys, threshold })
  }

  addTarget(path: string, content: Uint8Array): void {
    const hash = hashOf(content)
    this.targets[path] = { length: content.byteLength, hashes: { sha256: hash } }
    const parts = path.split('/')
    const name = parts.pop() ?? ''
    this.files.set(`targets/${[...parts, `${hash}.${name}`].join('/')}`, content)
  }

  /** What a server answers; undefined: there is no such file. */
  serve(path: string): Uint8Array | undefined {
    this.requests.push(path)
    return this.files.get(path)
  }

  private metaOf(version: number, bytes: Uint8Array): JsonObject {
    return this.withHashes ? { version, length: bytes.byteLength, hashes: { sha256: hashOf(bytes) } } : { version }
  }

  private bodyOf(role: TopRole): JsonObject {
    const { version, lifeMs } = this.roles[role]
    const common = this.common(role, version, lifeMs)
    switch (role) {
      case 'root':
        return { ...common, consistent_snapshot: true, ...this.rootKeys() }
      case 'timestamp':
        return { ...common, meta: { 'snapshot.json': this.timestampMeta } }
      case 'snapshot':
        return { ...common, meta: { ...this.snapshotMeta } }
      case 'targets':
        return {
          ...common,
          targets: { ...this.targets },
          ...(this.delegations === undefined ? {} : { delegations: this.delegations })
        }
    }
  }

  private rootKeys(): JsonObject {
    const keys = topRoles.flatMap(role => this.roles[role].keys.map(({ key }) => [key.keyId, toKeyJson(key)] as const))
    const roles = topRoles.map(role => {
      const keyids = [...this.roles[role].keys.map(each => each.key.keyId), ...(this.moreKeyIds[role] ?? [])]
      return [role, { keyids, threshold: this.roles[role].threshold }] as const
    })
    return { keys: { ...Object.fromEntries(keys), ...this.moreKeys }, roles: Object.fromEntries(roles) }
  }

  private common(type: TopRole, version: number, lifeMs: number): JsonObject {
    return { _type: type, spec_version: '1.0.31', version, expires: toExpires(this.nowMs + lifeMs) }
  }
}

/** A client of ours with a store in memory, which outlives each refresh. */
export class TestClient {
  readonly stored = new Map<string, Uint8Array>()

  constructor(private readonly repository: ScriptedRepository) {
    this.stored.set('root.json', repository.files.get('1.root.json') ?? new Uint8Array())
  }

  open(): RepositoryClient {
    return new RepositoryClient({
      nowMs: this.repository.nowMs,
      store: {
        read: async file => this.stored.get(file),
        write: async (file, bytes) => void this.stored.set(file, bytes)
      },
      fetcher: {
        fetch: async (place, path) =>
          this.repository.serve(
            place === 'metadata' ? path.map(encodeURIComponent).join('/') : `targets/${path.join('/')}`
          )
      }
    })
  }

  refresh(): Promise<RefreshedRepository> {
    return this.open().refresh()
  }

  /** `ok`, or the code of what was wrong. */
  async outcome(): Promise<string> {
    try {
      await this.refresh()
      return 'ok'
    } catch (thrown) {
      return String((thrown as { detail?: { code?: string } }).detail?.code ?? thrown)
    }
  }

  /** `root 2, timestamp 3`: what is trusted, as far as it is there. */
  trusted(): string {
    const versions = topRoles.flatMap(role => {
      const bytes = this.stored.get(`${role}.json`)
      if (bytes === undefined) return []
      const { signed } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { signed: { version: number } }
      return [`${role} ${signed.version}`]
    })
    return versions.join(', ')
  }
}
