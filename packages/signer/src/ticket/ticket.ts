/** What a new peer needs to join: one string. */
export interface Ticket {
  readonly network: string
  /** Where peers were when it was made, as multiaddrs. */
  readonly addresses: readonly string[]
}

/** @throws InstarError BadInput for too many or too long addresses */
export function encodeTicket(_ticket: Ticket): string {
  throw new Error('not yet')
}

/** @throws InstarError BadTicket, saying what is wrong with it */
export function parseTicket(_text: string): Ticket {
  throw new Error('not yet')
}
