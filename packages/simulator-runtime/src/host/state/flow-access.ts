import type { Access, EntrySource } from './access.js'

/**
 * A flow has no state at hand. It writes none, because it is not atomic; it reads none either, because two readings would be of two
 * moments, with commands in between, where each of its queries sees one (§9).
 */
export class FlowAccess implements Access {
  readonly underWay = 0

  read(): never {
    throw new TypeError(
      'a flow reads and changes state through its own queries and commands: ctx.self(contract).method(…)'
    )
  }

  write(): never {
    return this.read()
  }

  entries(): EntrySource {
    return this.read()
  }

  begin(): never {
    return this.read()
  }

  end(): void {
    // Nothing ever begins.
  }

  revoke(): void {
    // There is nothing to take away.
  }
}
