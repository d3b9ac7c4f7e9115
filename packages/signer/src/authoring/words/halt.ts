import type { HaltOrder } from '../../metadata/halt.js'
import { haltsOf } from '../../trust/halts.js'
import type { TrustState } from '../../trust/state.js'
import type { HaltChange } from '../kinds/halt.js'
import { oneLine } from './text.js'
import { titleOf } from './title.js'

/** Which versions stop or go on, and why. */
export function haltProposalWords(trusted: TrustState, { orders }: HaltChange): readonly string[] {
  const others = [...haltsOf(trusted).values()].filter(each => !orders.some(({ version }) => version === each.version))
  return [
    ...(orders.length === 0 ? ['renews the halt document: the words on each version stay'] : []),
    ...orders.flatMap(each => orderWords(trusted, each)),
    ...others.map(
      each => `stays: version ${each.version} ${each.order === 'halt' ? 'halted' : 'resumed'} (${oneLine(each.reason)})`
    )
  ]
}

function orderWords(trusted: TrustState, { version, order, unload, reason, at }: HaltOrder): readonly string[] {
  const title = titleOf(trusted, trusted.named.run[version - 1]?.hash)
  return [
    `${order}s version ${version}${title}`,
    ...(order === 'resume'
      ? ['  peers may introduce it and upgrade to it again']
      : [
          '  nobody introduces it or upgrades to it; trials of it go back',
          unload
            ? '  what serves it beside the running version is withdrawn: its callers are refused'
            : '  what serves it beside the running version goes on'
        ]),
    `  reason: ${oneLine(reason)}`,
    `  said ${at}`
  ]
}
