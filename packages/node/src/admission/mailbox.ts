import { messageOf } from '@instar/core'
import { isRevoked, verifyCertificate, type Certificate, type TrustState } from '@instar/signer'
import type { Logger } from 'pino'
import type { Store } from '../store/store.js'

export interface MailboxInit {
  readonly trusted: () => TrustState
  readonly store: Pick<Store, 'readValue' | 'writeValue'>
  readonly now: () => number
  readonly log: Logger
}

/** Certificates of other peers that wait here to be handed to them. Durable and bounded; one for each peer, the one that ends last. */
export interface Mailbox {
  start(): Promise<void>
  /** A certificate that has verified. On disk before it resolves. */
  put(certificate: Certificate, bytes: Uint8Array): Promise<void>
  /** What this peer should be given; nothing once it shows it, or it counts no more. */
  of(peer: string): Uint8Array | undefined
  /** The peer shows a certificate that ends then: it needs none that ends before. */
  seen(peer: string, expiresMs: number): void
  /** Whom something waits for. */
  peers(): readonly string[]
}

const storeKey = 'certificates-to-hand-on'
const waitingMax = 256

export function createMailbox(init: MailboxInit): Mailbox {
  const { trusted, store, now, log } = init
  let waiting = new Map<string, { readonly certificate: Certificate; readonly bytes: Uint8Array }>()

  const counts = ({ certificate }: { readonly certificate: Certificate }): boolean =>
    now() < certificate.expiresMs && !isRevoked(trusted(), certificate)

  const save = async (): Promise<void> => {
    const texts = [...waiting.values()].map(({ bytes }) => Buffer.from(bytes).toString('base64'))
    await store.writeValue(storeKey, Buffer.from(JSON.stringify(texts)))
  }

  const forget = (peer: string): void => {
    if (!waiting.delete(peer)) return
    save().catch((thrown: unknown) => {
      // It is handed over once more after a restart, which harms nobody.
      log.warn({ cause: messageOf(thrown) }, 'could not forget a certificate that was handed on')
    })
  }

  return {
    async start() {
      try {
        const stored = await store.readValue(storeKey)
        const texts: unknown = stored === undefined ? [] : JSON.parse(Buffer.from(stored).toString('utf8'))
        for (const text of Array.isArray(texts) ? texts : []) {
          const bytes = new Uint8Array(Buffer.from(String(text), 'base64'))
          const verified = verifyCertificate(trusted(), bytes)
          if (verified.verdict === 'accept') waiting.set(verified.value.peer, { certificate: verified.value, bytes })
        }
      } catch (thrown) {
        log.error({ cause: messageOf(thrown) }, 'the certificates that wait for other peers cannot be read')
      }
    },
    async put(certificate, bytes) {
      const known = waiting.get(certificate.peer)
      if (known !== undefined && known.certificate.expiresMs >= certificate.expiresMs && counts(known)) return
      waiting = new Map([...waiting].filter(([peer, each]) => peer !== certificate.peer && counts(each)))
      const oldest = waiting.keys().next().value
      if (waiting.size >= waitingMax && oldest !== undefined) waiting.delete(oldest)
      waiting.set(certificate.peer, { certificate, bytes })
      await save()
    },
    of(peer) {
      const found = waiting.get(peer)
      return found !== undefined && counts(found) ? found.bytes : undefined
    },
    seen(peer, expiresMs) {
      const found = waiting.get(peer)
      if (found !== undefined && found.certificate.expiresMs <= expiresMs) forget(peer)
    },
    peers: () => [...waiting].filter(([, each]) => counts(each)).map(([peer]) => peer)
  }
}
