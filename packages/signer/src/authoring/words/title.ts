import { parseDescriptor } from '@instar/core'
import type { TrustState } from '../../trust/state.js'
import { oneLine } from './text.js'

/** How people know a descriptor. */
export function titleOf({ descriptors }: TrustState, hash: string | undefined): string {
  const held = hash === undefined ? undefined : descriptors.get(hash)
  if (held === undefined) return ', which is not here'
  const parsed = parseDescriptor(held.bytes)
  return parsed.verdict === 'accept' ? ` "${oneLine(parsed.value.title)}"` : ''
}
