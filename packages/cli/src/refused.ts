/** Somebody said no: the person at the terminal, or the peer to a document. Not a failure of anything. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code = 'Refused'
}

/** The command did what it was asked, and what it found is not well. */
export class Unwell extends Error {
  override readonly name = 'Unwell'
  readonly code = 'Unwell'
}
