import { z } from 'zod'
import { parseBoundedJson, toCanonicalJson, type Json } from '../codec/json.js'
import { sha256Hex } from '../codec/hash.js'
import { simulationModels, stateKinds, transformKinds } from '../host-plan/host-plan.js'
import { accept, reject, type Verdict } from '../verdict.js'
import { className, hexDigest, isoTime, versionNumber } from './fields.js'
import { healthSchema } from './health.js'
import { needsSchema } from './needs.js'
import { runtimePattern } from './runtime.js'
import { scheduleSchema } from './schedule.js'
import { flawOfStarts } from './starts.js'

/** A larger descriptor is not read. */
export const descriptorBytesMax = 64 * 1024

/** Characters of what an author says that a reverse transform loses. */
export const losesLengthMax = 300

/** How a peer's object moves from one class to the next; ⟨old class, new class, TF, SF, past SO, future SO⟩ and what belongs to it. */
const classUpgradeSchema = z.strictObject({
  /**
   * The version that it starts from, in a descriptor that supersedes others and leads on from each of them (§4). Absent: the version before
   * the descriptor's own.
   */
  from: versionNumber.optional(),
  /** Absent: the class is new in the network at this version (every class of the genesis descriptor is). */
  oldClass: className.optional(),
  newClass: className,
  /** The content address of the code: sha-256 of the canonical bundle manifest. */
  bundle: hexDigest,
  /** Path of the ESM file in the bundle whose default export is the class (genesis) or the upgrade definition. */
  entry: z.string().min(1).max(200),
  /** Same contract, new code: no simulation objects, calls of both versions go to one façade (§6). */
  compatible: z.boolean(),
  /** The model of each simulation object (R11); absent: the upgrade has none, that version is not served there. */
  future: z.enum(simulationModels).optional(),
  past: z.enum(simulationModels).optional(),
  /** `none`: the new class reads the old state as it is. `whole`: built aside in the pause. `mapping`: a twin's, built at introduction. */
  transform: z.enum(transformKinds),
  /** Where the new class keeps its state: in keys and values, or in files of a directory of its own, which no command is atomic in (§8). */
  state: z.enum(stateKinds),
  /** `os`: survives a killed process. `disk`: survives power loss. */
  durability: z.enum(['os', 'disk']),
  /**
   * What going back during the trial keeps (§8). `exact`: everything, the upgrade is a twin. `transform`: what the upgrade's reverse
   * transform carries back; `loses` says what it does not. `copy`: the state of before; what the trial acknowledged is lost. `none`: no way
   * back.
   */
  back: z.enum(['exact', 'transform', 'copy', 'none']),
  /** With `back: 'transform'`: what is lost by going back, in its author's words (R22). Absent otherwise. */
  loses: z.string().min(1).max(losesLengthMax).optional(),
  schedule: scheduleSchema,
  /** How long a version is watched after its introduction before it counts as introduced (§2). */
  probationMs: z.int().min(0).max(86_400_000),
  /** The network introduces the version peer by peer over this time, the first ones alone (§2b); 0: all at once. Absent: 10 minutes. */
  introduceOverMs: z
    .int()
    .min(0)
    .max(30 * 86_400_000)
    .optional(),
  /** What a machine must have before anything of it begins there, beside what the peer reckons itself from its state. Absent: nothing. */
  needs: needsSchema.optional(),
  /** How long the new object must have served without a crash before the upgrade is committed. */
  stableMs: z.int().min(0).max(86_400_000),
  /** How its trial is judged (§15). Absent: by the defaults of each field. */
  health: healthSchema.optional(),
  /** When the version before this one stops being served (§14). */
  retirement: z.strictObject({
    /** No caller has used the old version for this long. */
    quietMs: z
      .int()
      .min(0)
      .max(366 * 86_400_000),
    /** From this moment the old version is retired whoever still uses it; never before this peer's own floor has passed it. */
    notAfter: isoTime.optional()
  })
})

const descriptorSchema = z.strictObject({
  format: z.literal(1),
  network: hexDigest,
  version: versionNumber,
  /** The whole chain id of the version before; the network id for genesis. */
  previous: hexDigest,
  title: z.string().min(1).max(200),
  notes: z.string().max(4000),
  createdAt: isoTime,
  /** The Instar versions that can run it, for example `>=0.1.0` (§16). */
  runtime: z.string().regex(runtimePattern),
  /** Versions directly below this one that it skips (§4), descending. */
  supersedes: z.array(versionNumber).max(64),
  classes: z.array(classUpgradeSchema).min(1).max(64)
})

/** What a descriptor says of one class: its code, how its state and its callers come along, and when. */
export type ClassUpgrade = Readonly<z.infer<typeof classUpgradeSchema>>
/** The signed document that defines one upgrade; version 1 is genesis. */
export type Descriptor = Readonly<Omit<z.infer<typeof descriptorSchema>, 'classes'>> & {
  readonly classes: readonly ClassUpgrade[]
}

/** Reads a descriptor from untrusted bytes: size and shape first, then the model, and the one canonical byte form. Never throws. */
export function parseDescriptor(bytes: Uint8Array): Verdict<Descriptor> {
  const json = parseBoundedJson(bytes, { bytesMax: descriptorBytesMax, depthMax: 8, itemsMax: 8192 })
  if (json.verdict !== 'accept') return json
  const parsed = descriptorSchema.safeParse(json.value)
  if (!parsed.success) return reject('NotADescriptor', z.prettifyError(parsed.error).replace(/\n/g, ' ').slice(0, 500))
  const descriptor: Descriptor = parsed.data
  if (sha256Hex(bytes) !== descriptorHash(descriptor)) {
    return reject('NotCanonical', 'the descriptor is not in canonical form')
  }
  const flaw = flawOf(descriptor)
  return flaw === undefined ? accept(descriptor) : reject('NotADescriptor', flaw)
}

/** The bytes that authors sign for: canonical JSON. */
export function encodeDescriptor(descriptor: Descriptor): Uint8Array {
  return toCanonicalJson(descriptor as unknown as Json)
}

/** Names a descriptor in trust documents and in the chain of versions: sha-256 of its bytes, 64 hexadecimal digits. */
export function descriptorHash(descriptor: Descriptor): string {
  return sha256Hex(encodeDescriptor(descriptor))
}

function flawOf(descriptor: Descriptor): string | undefined {
  const { version, supersedes, classes } = descriptor
  const contiguous = supersedes.every((each, i) => each === version - 1 - i && each > 1)
  if (!contiguous) return 'superseded versions must lie directly below this one, without a gap'
  if (version === 1 && classes.some(each => each.oldClass !== undefined))
    return 'the genesis descriptor has no old classes'
  if (version === 1 && descriptor.previous !== descriptor.network)
    return 'the genesis descriptor names another network as its predecessor'
  const classFlaw = classes.map(each => flawOfTwin(each) ?? flawOfBack(each)).find(flaw => flaw !== undefined)
  return flawOfStarts(descriptor) ?? classFlaw
}

/** §8: a twin is one on both sides, and nothing else goes back exactly. */
function flawOfTwin({ newClass, future, past, transform, back }: ClassUpgrade): string | undefined {
  const parts = [future === 'twin', past === 'twin', transform === 'mapping']
  if (new Set(parts).size > 1)
    return `the upgrade to ${newClass} is a twin in part: future and past simulation object and transform belong together`
  if (back === 'exact' && parts[0] !== true)
    return `the upgrade to ${newClass} is no twin, so it cannot go back exactly`
  if (back !== 'exact' && back !== 'none' && parts[0] === true)
    return `the upgrade to ${newClass} is a twin: it goes back exactly or not at all`
  return undefined
}

/** R22: what going back loses is said before anyone signs, and nothing is said that is not so. */
function flawOfBack({ oldClass, newClass, back, loses }: ClassUpgrade): string | undefined {
  if (back === 'transform' && oldClass === undefined)
    return `the class ${newClass} is new: there is nothing to go back to`
  if ((back === 'transform') === (loses !== undefined)) return undefined
  return back === 'transform'
    ? `the upgrade to ${newClass} goes back by a transform and does not say what that loses`
    : `the upgrade to ${newClass} says what a transform back loses and does not go back by one`
}
