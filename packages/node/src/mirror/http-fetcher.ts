import { InstarError, messageOf } from '@instar/core'
import type { MirrorFetcher } from './mirror-place.js'

export interface HttpFetcherInit {
  /** The directory of the metadata, with or without a slash at its end. */
  readonly metadataUrl: string
  readonly targetsUrl: string
  /** Where bundles lie; a mirror of Instar may have them, other repositories have none. */
  readonly bundlesUrl?: string
  readonly signal?: AbortSignal | undefined
  /** How patient it is; tests are less so. */
  readonly patience?: Patience
}

interface Patience {
  /** Until an answer begins, and between two parts of it. */
  readonly silenceMs: number
  /** For an empty file; each byte that a file may have adds to it. */
  readonly wholeMs: number
}

const defaultPatience: Patience = { silenceMs: 15_000, wholeMs: 30_000 }

/** A server that sends less than 16 KiB a second for long is as good as one that sends nothing. */
const bytesPerMsMin = 16

/**
 * Reads a repository over HTTP and believes nothing of the server: a file ends where its greatest length does, has bounded time as a
 * whole and between its parts, and no redirect is followed.
 *
 * @throws InstarError BadInput for an address that is none
 */
export function createHttpFetcher(init: HttpFetcherInit): MirrorFetcher {
  const { metadataUrl, targetsUrl, bundlesUrl } = init
  const bases = {
    metadata: baseOf(metadataUrl),
    targets: baseOf(targetsUrl),
    bundles: bundlesUrl === undefined ? undefined : baseOf(bundlesUrl)
  }
  const { silenceMs, wholeMs } = init.patience ?? defaultPatience
  return {
    async fetch(place, path, bytesMax) {
      const base = bases[place]
      if (base === undefined) return undefined
      const url = new URL(path.map(encodeURIComponent).join('/'), base)
      const silent = new AbortController()
      const tooLate = AbortSignal.timeout(wholeMs + Math.ceil(bytesMax / bytesPerMsMin))
      const signal = AbortSignal.any([silent.signal, tooLate, ...(init.signal === undefined ? [] : [init.signal])])
      const timer = setTimeout(() => silent.abort(), silenceMs)
      try {
        const response = await fetch(url, { redirect: 'manual', signal })
        return await readAnswer(response, url, bytesMax, () => timer.refresh())
      } catch (thrown) {
        throw toFetchError(thrown, url, init.signal?.aborted === true, signal.aborted)
      } finally {
        clearTimeout(timer)
        // Whatever is still to come of an answer that was refused is not waited for.
        silent.abort()
      }
    }
  }
}

function baseOf(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new InstarError('BadInput', `${text} is not the address of a mirror: give an http or https address.`)
}

/** Missing is what servers of static files say when a file is missing: some must not tell it from a forbidden one. */
const missingStatus = [403, 404, 410]

async function readAnswer(
  response: Response,
  url: URL,
  bytesMax: number,
  heard: () => void
): Promise<Uint8Array | undefined> {
  if (missingStatus.includes(response.status)) return undefined
  if (response.status >= 300 && response.status < 400) {
    throw refused(url, 'it answers with a redirect, which is not followed; give the address that it leads to')
  }
  if (response.status !== 200) {
    throw new InstarError(
      'Unreachable',
      `The mirror answers ${url.href} with status ${response.status}; try again later.`
    )
  }
  const parts: Uint8Array[] = []
  let total = 0
  const body: AsyncIterable<Uint8Array> | null = response.body
  for await (const part of body ?? []) {
    heard()
    total += part.byteLength
    if (total > bytesMax) throw refused(url, `it is longer than the ${bytesMax} bytes that it may have`)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts, total))
}

function toFetchError(thrown: unknown, url: URL, stopped: boolean, late: boolean): unknown {
  if (thrown instanceof InstarError) return thrown
  if (stopped) return new InstarError('Stopped', 'Reading the mirror was stopped.', { cause: thrown })
  if (late) {
    return new InstarError('Timeout', `The mirror is too slow with ${url.href}; try again later, or another mirror.`, {
      cause: thrown
    })
  }
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
  return new InstarError('Unreachable', `The mirror cannot be reached at ${url.href}: ${messageOf(cause)}.`, {
    cause: thrown
  })
}

function refused(url: URL, flaw: string): InstarError {
  return new InstarError('MirrorRefused', `The mirror cannot be trusted with ${url.href}: ${flaw}.`, {
    detail: { file: url.href }
  })
}
