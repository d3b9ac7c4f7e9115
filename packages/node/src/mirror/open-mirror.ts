import { resolve } from 'node:path'
import { createDirectoryFetcher } from './directory-fetcher.js'
import { createHttpFetcher } from './http-fetcher.js'
import type { MirrorFetcher, MirrorPlace } from './mirror-place.js'

/** A mirror by its address or its directory. @throws InstarError BadInput */
export function openMirror(
  source: string,
  options: { readonly cwd: string; readonly signal?: AbortSignal }
): MirrorFetcher {
  if (!/^https?:\/\//i.test(source)) return createDirectoryFetcher(directoriesOf(resolve(options.cwd, source)))
  const at = (place: MirrorPlace) => `${source.replace(/\/+$/, '')}/${place}/`
  return createHttpFetcher({
    metadataUrl: at('metadata'),
    targetsUrl: at('targets'),
    bundlesUrl: at('bundles'),
    signal: options.signal
  })
}

export function directoriesOf(mirror: string): Readonly<Record<MirrorPlace, string>> {
  return {
    metadata: resolve(mirror, 'metadata'),
    targets: resolve(mirror, 'targets'),
    bundles: resolve(mirror, 'bundles')
  }
}
