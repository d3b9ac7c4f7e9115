import { parseDescriptor } from '@instar/core'

/** The bundles that descriptors name, by id, with the version that names each first; ascending. */
export function bundlesOf(descriptors: Iterable<Uint8Array>): ReadonlyMap<string, number> {
  const bundles = new Map<string, number>()
  for (const bytes of descriptors) {
    const parsed = parseDescriptor(bytes)
    if (parsed.verdict !== 'accept') continue
    for (const { bundle } of parsed.value.classes) if (!bundles.has(bundle)) bundles.set(bundle, parsed.value.version)
  }
  return bundles
}
