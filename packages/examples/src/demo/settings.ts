/** The sizes of the demo, in one place. Tests use a smaller one. */
export interface DemoSettings {
  /** Names of the peers that start; the first creates the network. */
  readonly peers: readonly string[]
  /** Publishes version 2; not the first one. */
  readonly publisher: string
  /** Is killed in the middle of its transform. */
  readonly victim: string
  /** Joins late. */
  readonly latecomer: string
  /** Elements that each of the first peers holds before the roll-out. */
  readonly elementsPerPeer: number
  /** Elements that are called about; some are absent at first. */
  readonly span: number
  readonly lanesPerPeer: number
  readonly pauseMs: number
  readonly callDeadlineMs: number
  /** For every step of the story: long, because it says only when to stop hoping. */
  readonly stepTimeoutMs: number
  readonly schedule: string
  /** Version 1 is retired when nobody has called it for this long, also at a peer that has just come back, which clients have to find again… */
  readonly retireAfter: string
  /** …and at this time whoever still calls it, which lies after the roll-out. */
  readonly retireBy: string
}

export const demoSettings: DemoSettings = Object.freeze({
  peers: ['ada', 'ben', 'cleo', 'dan', 'eve'],
  publisher: 'cleo',
  victim: 'dan',
  latecomer: 'fay',
  elementsPerPeer: 3000,
  span: 3600,
  lanesPerPeer: 2,
  pauseMs: 15,
  callDeadlineMs: 60_000,
  stepTimeoutMs: 120_000,
  schedule: 'rolling:1',
  retireAfter: '5s',
  retireBy: '15m'
})
