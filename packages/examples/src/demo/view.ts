import { isSwitching, isTrouble, phases, type Phase } from '@instar/core'
import type { WatchedPeer } from './watch.js'

/** What one frame shows. */
export interface Frame {
  readonly elapsedMs: number
  readonly peers: readonly WatchedPeer[]
  readonly clients: readonly ClientRow[]
  /** The story so far, oldest first. */
  readonly events: readonly string[]
}

export interface ClientRow {
  readonly version: 1 | 2
  readonly calls: number
  readonly callsPerSecond: number
  readonly disallowed: number
  readonly retries: number
  readonly errors: number
  readonly underWay: number
}

export type Paint = (style: 'bold' | 'dim' | 'red' | 'green' | 'cyan' | 'yellow', text: string) => string

export interface ViewSize {
  readonly columns: number
  readonly rows: number
}

/** The screen as lines that fit into the size; colours are laid over text that has its width already. */
export function renderFrame(frame: Frame, size: ViewSize, paint: Paint): readonly string[] {
  const columns = Math.max(40, size.columns - 1)
  const fit = (text: string): string => cut(text, columns)
  const title = 'Instar: a running service moves from version 1 to version 2'
  const elapsed = `${(frame.elapsedMs / 1000).toFixed(1)} s`
  const head = [
    paint('bold', cut(title, columns - 9)) + elapsed.padStart(columns - Math.min(title.length, columns - 9)),
    '',
    paint('dim', fit(peerLine('PEER', 'RUNS', 'SERVES', 'VERSION 2', 'WHY'))),
    ...frame.peers.map(peer => peerRow(peer, frame.peers, columns, paint)),
    '',
    paint('dim', fit(clientLine('CLIENT', 'CALLS', '/S', 'DISALLOWED', 'RETRIES', 'ERRORS', 'WAITING'))),
    ...frame.clients.map(row => clientRow(row, columns, paint)),
    ''
  ]
  const room = Math.max(1, Math.min(size.rows - 2 - head.length, eventsMax))
  return [...head, ...frame.events.slice(-room).map(fit)]
}

const eventsMax = 9

function peerLine(name: string, runs: string, serves: string, phase: string, why: string): string {
  return `${name.padEnd(6)}${runs.padEnd(6)}${serves.padEnd(8)}${phase.padEnd(14)}${why}`
}

function peerRow(peer: WatchedPeer, all: readonly WatchedPeer[], columns: number, paint: Paint): string {
  const { status } = peer
  if (peer.state !== 'running' || status === undefined) {
    const text = cut(peerLine(peer.name, '', '', peer.state, ''), columns)
    return peer.state === 'killed' ? paint('red', text) : paint('dim', text)
  }
  const phase = peer.phase === '' && status.running.version === 2 ? 'committed' : peer.phase
  const why = withNames(peer.reason, all)
  const text = cut(peerLine(peer.name, `v${status.running.version}`, servedText(status.served), phase, why), columns)
  return phase === '' ? text : text.replace(phase, paintPhase(phase, paint))
}

/** R18: upgrading looks like work, never like a failure. */
function paintPhase(phase: string, paint: Paint): string {
  if (!isPhase(phase)) return phase
  if (isTrouble(phase)) return paint('red', phase)
  if (isSwitching(phase) || phase === 'trial') return paint('cyan', phase)
  return phase === 'committed' ? paint('green', phase) : phase
}

function isPhase(text: string): text is Phase {
  return (phases as readonly string[]).includes(text)
}

function servedText(served: readonly [number, number] | undefined): string {
  if (served === undefined) return 'nothing'
  return served[0] === served[1] ? `v${served[0]}` : `v${served[0]}–v${served[1]}`
}

/** Reasons name peers by the end of their ids; here they have names. */
export function withNames(text: string, peers: readonly Pick<WatchedPeer, 'name' | 'shortId'>[]): string {
  return peers.reduce((named, { name, shortId }) => (shortId === '' ? named : named.replaceAll(shortId, name)), text)
}

function clientLine(name: string, ...columns: readonly string[]): string {
  return name.padEnd(22) + columns.map((text, i) => text.padStart(clientWidths[i] ?? 8)).join('')
}

const clientWidths = [9, 7, 12, 9, 8, 9]

function clientRow(row: ClientRow, columns: number, paint: Paint): string {
  const { calls, callsPerSecond, disallowed, retries, errors, underWay } = row
  const name = `version ${row.version}, ${row.version === 1 ? 'IntSet' : 'ColorSet'}`
  const numbers = [calls, callsPerSecond, disallowed, retries, errors, underWay].map(String)
  const text = cut(clientLine(name, ...numbers), columns)
  return errors > 0 ? paint('red', text) : text
}

function cut(text: string, columns: number): string {
  return text.length > columns ? `${text.slice(0, columns - 1)}…` : text
}
