import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defaultTiming, InstarError, messageOf, parseTicket, type TicketInvitation, type Timing } from '@instar/core'
import { parseInvitation, type BearerInvitation, type Invitation } from '@instar/signer'
import type { Logger } from 'pino'
import { z } from 'zod'
import { defaultHoldLimits, type HoldLimits } from '../host/call-queue.js'
import { policyFileSchema } from '../policy/policy-schema.js'
import { replaceFile } from '../store/durable-file.js'
import type { OnlineKeysOptions } from '../trust/online-signer.js'

/** What a program says to start a peer. What is left out comes from the data directory, or from the defaults below. */
export interface PeerOptions {
  /** Everything that the peer keeps; made when it does not exist. One process at a time. */
  readonly dataDirectory: string
  /** Multiaddrs to listen on. Default: a free port on all interfaces. */
  readonly listen?: readonly string[]
  /** Multiaddrs of peers to find the network by, besides those of the ticket. None: this peer begins at version 1. */
  readonly bootstrap?: readonly string[]
  /** The network to join and where to find it; needed at the first start of a peer that did not create its network. */
  readonly ticket?: string
  /** The class to run; may be left out where the network has only one. */
  readonly className?: string
  readonly groups?: readonly string[]
  /** Online keys with which this peer keeps the trust documents fresh (§5). Said at each start, never remembered. */
  readonly onlineKeys?: OnlineKeysOptions
  /** Hosts read and write nothing but their code and their state. Default: as before, or not. */
  readonly confineHosts?: boolean
  /** Default: JSON lines to the `log` file of the data directory. */
  readonly log?: Logger
  /** Waiting times of the core that differ from its defaults. */
  readonly timing?: Partial<Timing>
  /** How often neighbours compare what they know. Default 60 s. */
  readonly syncEveryMs?: number
  /** Changes of phase that are announced at once, per minute (§13). Default 12. */
  readonly urgentPerMinute?: number
  /** All peers share one machine: limits per IP address are lifted. Default: all of `listen` is loopback. */
  readonly sameHost?: boolean
  /** Dies on purpose, see `parseFaults`; default: what INSTAR_FAULTS says. For tests. */
  readonly faults?: string
}

const milliseconds = z.int().min(0)

/** `config.json`: every field may be left out; what was said last stands there after each start. */
const configSchema = z.strictObject({
  format: z.literal(1).optional(),
  network: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  className: z.string().optional(),
  groups: z.array(z.string()).optional(),
  listen: z.array(z.string()).min(1).optional(),
  bootstrap: z.array(z.string()).optional(),
  /** Waiting times that differ from the defaults, see `Timing` of the core. */
  timing: z.partialRecord(z.enum(Object.keys(defaultTiming) as Array<keyof Timing>), milliseconds).optional(),
  /** Bounds of what is held while a host is switched that differ from the defaults, see `HoldLimits`. */
  queue: z
    .strictObject({
      callsMax: z.int().min(0).max(1_000_000).optional(),
      bytesMax: z
        .int()
        .min(0)
        .max(2 ** 32)
        .optional(),
      ageMaxMs: milliseconds.optional()
    })
    .optional(),
  /** What the operator allows this peer, see `LocalPolicy` of the core; what is said at run time wins over it. */
  policy: policyFileSchema.optional(),
  /** Keep every bundle for ever, for peers that come from far behind (§14). */
  archive: z.boolean().optional(),
  /** Hosts read and write nothing but their code and their state. */
  confineHosts: z.boolean().optional()
})

/** What a peer remembers of how it was started; `config.json` in its data directory, for people to read and change. */
export interface PeerConfiguration {
  readonly network: string
  readonly className: string | undefined
  readonly groups: readonly string[]
  readonly listen: readonly string[]
  readonly bootstrap: readonly string[]
  readonly timing: Timing
  readonly queue: HoldLimits
  /** What the file says of it; see `filePolicy`. */
  readonly policy: z.output<typeof policyFileSchema>
  readonly archive: boolean
  readonly confineHosts: boolean
  /** Of the ticket: with it this peer admits itself (§5). Not written down: its certificate is. */
  readonly invitation: BearerInvitation | undefined
}

const listenDefault = ['/ip4/0.0.0.0/tcp/0']

/** A configuration that holds, and how to write it down for the next start. */
export interface SettledConfiguration extends PeerConfiguration {
  readonly save: () => Promise<void>
}

/**
 * Puts together what was said now and what was said before. Writes nothing, so that a refused start leaves no trace.
 *
 * @param seed - the network of the genesis seed in the data directory, where there is one
 * @throws InstarError BadConfig for a file that is not a configuration, BadTicket, WrongNetwork when the directory belongs to another
 *   network, BadInput when nothing says which network to join
 */
export async function settleConfig(options: PeerOptions, seed: string | undefined): Promise<SettledConfiguration> {
  const path = join(options.dataDirectory, 'config.json')
  const stored = await readConfig(path)
  const ticket = options.ticket === undefined ? undefined : parseTicket(options.ticket)
  const known = stored?.network ?? seed
  if (known !== undefined && ticket !== undefined && known !== ticket.network) {
    throw new InstarError(
      'WrongNetwork',
      `The data directory ${options.dataDirectory} belongs to network ${known.slice(0, 16)}…, the ticket to ${ticket.network.slice(0, 16)}…: use another directory for another network.`,
      { detail: { stored: known, asked: ticket.network } }
    )
  }
  const network = known ?? ticket?.network
  if (network === undefined) {
    throw new InstarError(
      'BadInput',
      `${options.dataDirectory} holds no peer yet: join a network with a ticket, or create one with \`instar network create\`.`
    )
  }
  const invited = ticket?.invitation === undefined ? undefined : readInvitation(ticket.invitation, network)
  const className = options.className ?? stored?.className ?? invited?.terms.class
  const bootstrap = [...(options.bootstrap ?? []), ...(ticket?.addresses ?? [])]
  const next: StoredConfig = {
    ...stored,
    format: 1,
    network,
    ...(className === undefined ? {} : { className }),
    groups: [...(options.groups ?? stored?.groups ?? invited?.terms.groups ?? [])],
    listen: [...(options.listen ?? stored?.listen ?? listenDefault)],
    bootstrap: bootstrap.length > 0 ? bootstrap : [...(stored?.bootstrap ?? [])],
    ...(options.confineHosts === undefined ? {} : { confineHosts: options.confineHosts })
  }
  return {
    async save() {
      if (JSON.stringify(next) === JSON.stringify(stored)) return
      await replaceFile(path, new TextEncoder().encode(`${JSON.stringify(next, undefined, 2)}\n`), 0o600)
    },
    network,
    className: next.className,
    groups: next.groups ?? [],
    listen: next.listen ?? listenDefault,
    bootstrap: next.bootstrap ?? [],
    invitation: invited?.bearer,
    policy: next.policy ?? {},
    archive: next.archive ?? false,
    confineHosts: next.confineHosts ?? false,
    queue: Object.freeze({ ...defaultHoldLimits, ...(next.queue as Partial<HoldLimits>) }),
    timing: Object.freeze({ ...defaultTiming, ...(next.timing as Partial<Timing>), ...options.timing })
  }
}

interface Invited {
  readonly terms: Invitation
  readonly bearer: BearerInvitation
}

/** @throws InstarError BadTicket */
function readInvitation({ document, secret }: TicketInvitation, network: string): Invited {
  const bearer = { document: new Uint8Array(Buffer.from(document, 'base64')), secret }
  const terms = parseInvitation(bearer.document, network)
  if (terms.verdict === 'accept') return { terms: terms.value, bearer }
  throw new InstarError('BadTicket', `The invitation in the ticket is none: ${terms.detail}. Ask for a new ticket.`)
}

type StoredConfig = z.infer<typeof configSchema>

async function readConfig(path: string): Promise<StoredConfig | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new InstarError('BadConfig', `${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown })
  }
  try {
    const parsed = configSchema.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data
    throw new InstarError('BadConfig', `${path} is not a peer's configuration: ${flaws(parsed.error)}.`)
  } catch (thrown) {
    if (thrown instanceof InstarError) throw thrown
    throw new InstarError('BadConfig', `${path} is not JSON: ${messageOf(thrown)}.`, { cause: thrown })
  }
}

function flaws(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`).join('; ')
}
