import type { ControlEvent } from '@instar/node/control'
import type { Output } from './output.js'
import { shortPeer } from './peer-name.js'
import { colourPhase } from './status-text.js'

/** One line for an event, or undefined for one that says nothing new to a person. */
export function eventText(event: ControlEvent, output: Output): string | undefined {
  const at = event.at.slice(11, 23)
  switch (event.type) {
    case 'phase':
      return `${at} v${event.version} ${colourPhase(event.phase, output)}${event.reason === undefined ? '' : `: ${event.reason}`}`
    case 'stage': {
      const done = event.done === undefined || event.total === undefined ? '' : ` ${event.done}/${event.total}`
      return output.style('dim', `${at} v${event.version}   ${event.stage}${done}`)
    }
    case 'peer': {
      const { peer, running, versions, reachable } = event.peer
      const pending = versions.map(({ version, phase }) => `, v${version} ${phase}`).join('')
      return output.style(
        'dim',
        `${at} peer ${shortPeer(peer)} runs v${running}${pending}${reachable ? '' : ', unreachable'}`
      )
    }
    case 'problem':
      return `${at} ${output.style('red', `! ${event.problem}`)}`
    case 'stopping':
      return `${at} stopping`
    case 'status':
      return undefined
  }
}
