import { appendVersion, sha256Hex, type ClassUpgrade, type Descriptor, type VersionLog } from '../src/index.js'

/** Descriptors for tests: a network of one class, Counter, whose contract every version changes unless told otherwise. */
export const network = sha256Hex('test network')

const farAway = '2100-01-01T00:00:00.000Z'

export function classUpgrade(version: number, over: Partial<ClassUpgrade> = {}): ClassUpgrade {
  return {
    ...(version === 1 ? {} : { oldClass: `Counter${version - 1}` }),
    newClass: `Counter${version}`,
    bundle: sha256Hex(`bundle ${version}`),
    entry: 'index.js',
    compatible: false,
    ...(version === 1 ? {} : { future: 'direct', past: 'direct' }),
    transform: version === 1 ? 'none' : 'whole',
    state: 'managed',
    durability: 'os',
    back: 'none',
    schedule: { strategy: { type: 'eager' }, deadline: farAway, deadlineSpreadMs: 0 },
    introduceOverMs: 0,
    probationMs: 100,
    stableMs: 1000,
    retirement: { quietMs: 5000 },
    ...over
  }
}

/** The same as a twin (§8). */
export function twinUpgrade(version: number, over: Partial<ClassUpgrade> = {}): ClassUpgrade {
  const twin: Partial<ClassUpgrade> = { future: 'twin', past: 'twin', transform: 'mapping', back: 'exact' }
  return classUpgrade(version, version === 1 ? over : { ...twin, ...over })
}

export function descriptor(log: VersionLog, over: Partial<Descriptor> = {}): Descriptor {
  const version = log.length + 1
  return {
    format: 1,
    network,
    version,
    previous: log.at(-1)?.chainId ?? network,
    title: `version ${version}`,
    notes: '',
    createdAt: '2026-01-01T00:00:00.000Z',
    runtime: '>=0.0.0',
    supersedes: [],
    classes: [classUpgrade(version)],
    ...over
  }
}

/** A log of `count` versions; `shape` changes the descriptor of a version. */
export function versions(count: number, shape: (version: number) => Partial<Descriptor> = () => ({})): VersionLog {
  let log: VersionLog = []
  for (let version = 1; version <= count; version++) log = appendVersion(log, descriptor(log, shape(version)))
  return log
}

/** The successor of a log as the repair of its last `count` versions: one class upgrade from each version that a peer may stand at (§4). */
export function repair(
  log: VersionLog,
  count: number,
  over: (from: number) => Partial<ClassUpgrade> = () => ({})
): Descriptor {
  const version = log.length + 1
  const starts = Array.from({ length: count + 1 }, (_, i) => version - 1 - i)
  return descriptor(log, {
    supersedes: starts.slice(0, count),
    classes: starts.map(from =>
      classUpgrade(version, {
        oldClass: `Counter${from}`,
        bundle: sha256Hex(`bundle ${version} from ${from}`),
        ...(from === version - 1 ? {} : { from }),
        ...over(from)
      })
    )
  })
}
