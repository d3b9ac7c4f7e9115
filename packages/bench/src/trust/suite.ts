import { compare } from '../measurement/measurement.js'
import { measureInTurns } from '../measurement/rounds.js'
import type { Suite } from '../suite.js'
import {
  createTrustNetwork,
  forge,
  forgeLarge,
  judge,
  metadataKinds,
  type DocumentKind,
  type TrustNetwork
} from './trust-network.js'

const runsDefault = 15
const durationMs = { full: 100, quick: 20 }
/** Before the first run: the compiler gets to know it. */
const warmUps = 2
/** Versions of the networks whose metadata are weighed, and of that in which documents are judged. */
const sizes = [10, 100, 1_000]
const judgedAt = 100
const units = { time: 'µs', cpu: 'µs' } as const

interface Subject {
  readonly name: string
  readonly network: TrustNetwork
  readonly document: Uint8Array
  /** What the verdict must be, so that nothing else is measured. */
  readonly verdict: string
}

/** What it costs a peer to judge one document, and how much all documents weigh. In one process, without network and disk. */
export const trustSuite: Suite = {
  name: 'trust',
  summary: 'what judging a trust document costs, taken, known and forged, and what all of them weigh',
  async run({ runs, quick, only, signal, report, progress }) {
    const wanted = (name: string) => only?.test(name) ?? true
    for (const versions of sizes) {
      signal.throwIfAborted()
      const name = `metadata at ${versions} versions`
      if (!wanted(name)) continue
      progress(name)
      for (const [metric, value] of Object.entries(weigh(await createTrustNetwork(versions)))) {
        report({ suite: 'trust', case: name, metric, unit: 'B', value, baseline: null, ratio: null })
      }
    }
    const rounds = runs ?? (quick ? 3 : runsDefault)
    const lastingMs = quick ? durationMs.quick : durationMs.full
    const samples = await measureInTurns({
      subjects: (await createSubjects()).filter(({ name }) => wanted(name)),
      rounds: rounds + warmUps,
      measure(subject, round) {
        signal.throwIfAborted()
        progress(`${subject.name}, ${round < warmUps ? 'warming up' : `run ${round - warmUps + 1} of ${rounds}`}`)
        return Promise.resolve(measure(subject, lastingMs))
      }
    })
    const measured = new Map([...samples].map(([{ name }, all]) => [name, all.slice(warmUps)]))
    for (const figure of compare({ suite: 'trust', samples: measured, units, baselines: [], caseOf: name => name })) {
      report(figure)
    }
  }
}

function weigh({ documents, descriptorBytes }: TrustNetwork): Readonly<Record<string, number>> {
  const metadata = metadataKinds.map(kind => [kind, documents[kind].byteLength] as const)
  const sum = metadata.reduce((all, [, bytes]) => all + bytes, 0)
  return { ...Object.fromEntries(metadata), 'in sum': sum, descriptors: descriptorBytes }
}

async function createSubjects(): Promise<readonly Subject[]> {
  const network = await createTrustNetwork(judgedAt)
  const kinds: readonly DocumentKind[] = [...metadataKinds, 'descriptor']
  return [
    ...kinds.flatMap(kind => subjectsOf(network, kind)),
    ...[64, 256].map(size => ({
      name: `targets, forged, ${size} KiB`,
      network,
      document: forgeLarge(network.documents.targets, size * 1024),
      verdict: 'BadSignature'
    })),
    {
      name: 'admission, forged, 64 KiB',
      network,
      document: forgeLarge(network.documents.admission, 64 * 1024),
      verdict: 'BadSignature'
    }
  ]
}

function subjectsOf(network: TrustNetwork, kind: DocumentKind): readonly Subject[] {
  const { documents, next } = network
  const known = { name: `${kind}, known`, network, document: documents[kind], verdict: 'Known' }
  // A descriptor has no signature: what nobody named is not taken.
  if (kind === 'descriptor') {
    return [known, { name: `${kind}, named by nobody`, network, document: next[kind], verdict: 'NeedsNewerTrust' }]
  }
  return [
    { name: `${kind}, accepted`, network, document: next[kind], verdict: 'accept' },
    known,
    { name: `${kind}, forged`, network, document: forge(next[kind]), verdict: 'BadSignature' }
  ]
}

/** Judges it again and again: a state is a value, so that nothing of it is remembered. */
function measure({ name, network: { state }, document, verdict }: Subject, lastingMs: number) {
  const found = judge(state, document)
  if (found !== verdict) throw new Error(`${name}: the verdict is ${found}, not ${verdict}`)
  const usedBefore = process.cpuUsage()
  const before = performance.now()
  let count = 0
  let elapsedMs = 0
  while (elapsedMs < lastingMs) {
    for (let i = 0; i < 10; i++) judge(state, document)
    count += 10
    elapsedMs = performance.now() - before
  }
  const { user, system } = process.cpuUsage(usedBefore)
  return { time: (elapsedMs * 1000) / count, cpu: (user + system) / count }
}
