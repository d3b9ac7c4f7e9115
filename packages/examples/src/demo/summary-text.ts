import type { Summary } from './summary.js'
import type { Paint } from './view.js'

/** The summary for people, at most 80 columns wide. */
export function summaryText(summary: Summary, paint: Paint): string {
  const sections = [
    spreadLines(summary),
    peerLines(summary),
    clientLines(summary),
    storyLines(summary),
    verdictLines(summary, paint)
  ]
  return sections.map(lines => lines.join('\n')).join('\n\n')
}

function spreadLines({ descriptorMs, bundleMs }: Summary): readonly string[] {
  const line = (times: Readonly<Record<string, number>>): string =>
    Object.entries(times)
      .map(([peer, ms]) => `${peer} ${Math.round(ms)}`)
      .join(', ')
  return [
    'Milliseconds from the peer that published to the others',
    `  descriptor  ${line(descriptorMs)}`,
    `  bundle      ${line(bundleMs)}`
  ]
}

function peerLines({ peers }: Summary): readonly string[] {
  const row = (name: string, ...cells: readonly string[]): string =>
    `  ${name.padEnd(8)}${cells.map(text => text.padStart(14)).join('')}`
  const ms = (value: number | undefined): string => (value === undefined ? '–' : String(Math.round(value)))
  return [
    'Milliseconds that calls waited while a peer introduced and upgraded, and the',
    'longest calls of clients (version 2: from before the peers knew of it)',
    row('', 'introduction', 'upgrade', 'longest v1', 'longest v2'),
    ...peers.map(({ peer, introductionPauseMs, upgradePauseMs, longestCallMs }) =>
      row(peer, ms(introductionPauseMs), ms(upgradePauseMs), ms(longestCallMs['v1']), ms(longestCallMs['v2']))
    )
  ]
}

function clientLines({ clients }: Summary): readonly string[] {
  return clients.map(
    ({ version, calls, disallowed, retries, errors }) =>
      `Version ${version}: ${calls} calls, ${disallowed} disallowed as declared, ${retries} retries, ${errors} errors`
  )
}

function storyLines({ outcome: { kill, latecomer, retired }, elementsCompared }: Summary): readonly string[] {
  const served = retired[0]?.served
  const range = served === undefined ? 'nothing' : `version ${[...new Set(served)].join(' to ')}`
  return [
    `${kill.peer} was killed in its transform and came back after ${(kill.awayMs / 1000).toFixed(1)} s, with version ${kill.versionAfterRestart}`,
    `${latecomer.peer} joined late, at version ${latecomer.joinedAtVersion}`,
    `Version 1 is retired: a call is answered ${retired[0]?.code ?? 'nothing'}, served is ${range}`,
    `${elementsCompared} comparisons of single elements with a plain set`
  ]
}

function verdictLines({ ok, totalMs, failures }: Summary, paint: Paint): readonly string[] {
  const seconds = (totalMs / 1000).toFixed(1)
  if (ok) return [paint('green', `No error. ${seconds} s in all.`)]
  return [
    paint('red', `The demo failed, after ${seconds} s:`),
    ...failures.map(failure => paint('red', `  ${failure}`))
  ]
}
