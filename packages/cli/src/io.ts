/** The world as a command sees it; handed in, so that tests can be the world. */
export interface Io {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** A person watches the output: redraw, ask. */
  readonly isTerminal: boolean
  readonly hasColours: boolean
  readonly now: () => number
  /** One line of a person's answer to a question; rejects when nobody can answer. */
  readonly ask: (question: string) => Promise<string>
  /** A person can be asked. */
  readonly canAsk: boolean
  /** As `ask`, and what is typed is not shown. */
  readonly askSecret: (question: string) => Promise<string>
  /** Runs on each Ctrl-C or SIGTERM until the returned function is called. */
  readonly onInterrupt: (listener: () => void) => () => void
  /** Ends the process at once. */
  readonly exit: (code: number) => void
}
