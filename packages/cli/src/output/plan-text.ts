import type { ClassPlan, PeerPlan, UpgradePlan } from '../authoring/plan-upgrade.js'
import type { Output } from './output.js'
import { shortPeer } from './peer-name.js'
import { toSizeWords } from './size-words.js'

/** What a version would do, class by class and peer by peer. */
export function planText(plan: UpgradePlan, output: Output): string {
  const { version, title, classes, peers, stateBytes, blockers } = plan
  const affected = peers.filter(each => each.will === 'upgrade').length
  return [
    `Version ${version}, ${title}: ${affected} of ${peers.length} known peers would upgrade, the others only take its number.`,
    ...classes.map(each => ['', ...classLines(each)].join('\n')),
    '',
    output.table(
      ['PEER', 'CLASS', 'RUNS', 'WILL', 'SERVES BEFORE', 'AFTER', 'IN ITS WAY'],
      peers.map(each => peerRow(each))
    ),
    ...(stateBytes === undefined
      ? []
      : ['', `The state of this peer takes ${toSizeWords(stateBytes)} of its disk now.`]),
    ...(blockers.length === 0 ? [] : ['', ...blockers.map(each => output.style('red', `! ${each}`))])
  ].join('\n')
}

function classLines(each: ClassPlan): readonly string[] {
  const { oldClass, newClass, from, bundle, bundleBytes, disk } = each
  const fetched = `bundle ${bundle.slice(0, 16)}, ${toSizeWords(bundleBytes)} to fetch`
  if (oldClass === undefined)
    return [`new class ${newClass}${startWords(from)} (${fetched}): no peer runs it before one is started with it`]
  return [
    `${oldClass} → ${newClass}${startWords(from)} (${fetched})`,
    `  before the upgrade  ${each.before}`,
    `  after it            ${each.after}`,
    `  state               ${each.state}`,
    `  disk                ${disk}`,
    `  way back            ${each.back}`,
    `  trial               ${each.health}`
  ]
}

function startWords(from: number | undefined): string {
  return from === undefined ? '' : ` from version ${from}`
}

function peerRow({ peer, class: name, running, will, servesBefore, servesAfter, blockers }: PeerPlan): string[] {
  return [shortPeer(peer), name, `v${running}`, will, range(servesBefore), range(servesAfter), blockers.join('; ')]
}

function range([low, high]: readonly [number, number]): string {
  return low === high ? `v${low}` : `v${low}–v${high}`
}
