import {
  callsOf,
  defineClass,
  defineUpgrade,
  Failed,
  type ObjectContext,
  type ObjectOf,
  type Shadowed,
  type SimulationContext
} from '@instar/simulator-runtime'
import {
  defaultMode,
  everyone,
  fileAccess,
  filePermissions,
  noAccess,
  type Access,
  type Acl,
  type Mode
} from './contracts.js'

interface File {
  readonly owner: string
  readonly acl: Acl
}

/** I of the upgrade: the owner's bits are the owner's entry, the world's bits the entry `everyone`; named entries are free. */
export function toAcl(owner: string, mode: Mode, named: Acl = {}): Acl {
  return { ...named, [owner]: mode.owner, [everyone]: mode.world }
}

export function toMode(owner: string, acl: Acl): Mode {
  return { owner: acl[owner] ?? noAccess, world: acl[everyone] ?? noAccess }
}

function allows({ acl }: File, user: string, what: keyof Access): boolean {
  return (acl[user] ?? noAccess)[what] || (acl[everyone] ?? noAccess)[what]
}

/** State: `<file>` → owner and list. */
export class FileAccess implements ObjectOf<typeof fileAccess> {
  constructor(private readonly ctx: ObjectContext) {}

  async create(file: string, owner: string): Promise<void> {
    if (await this.ctx.state.has(file)) return
    await this.ctx.state.put(file, { owner, acl: toAcl(owner, defaultMode) })
  }

  remove(file: string): Promise<void> {
    return this.ctx.state.del(file)
  }

  async setAcl(file: string, acl: Acl): Promise<void> {
    const { owner } = await this.getAcl(file)
    await this.ctx.state.put(file, { owner, acl: { [owner]: noAccess, [everyone]: noAccess, ...acl } })
  }

  async getAcl(file: string): Promise<File> {
    const found = await this.ctx.state.get<string, File>(file)
    if (found === undefined) throw new Failed(`there is no file ${file}`)
    return found
  }

  async mayRead(file: string, user: string): Promise<boolean> {
    const found = await this.ctx.state.get<string, File>(file)
    return found !== undefined && allows(found, user, 'read')
  }

  async mayWrite(file: string, user: string): Promise<boolean> {
    const found = await this.ctx.state.get<string, File>(file)
    return found !== undefined && allows(found, user, 'write')
  }
}

/** Of a file that is not there nobody may do anything (B5). Known by its field: a delegate may come from another bundle. */
function unlessMissing(error: unknown): undefined {
  if ((error as { instar?: unknown }).instar !== 'failed') throw error
}

const v1 = callsOf(filePermissions)
const v2 = callsOf(fileAccess)

/** Version 2 on a peer that runs version 1. State: `<file>` → the named entries, which bits cannot say. */
class FutureFileAccess implements ObjectOf<typeof fileAccess> {
  constructor(private readonly ctx: SimulationContext<typeof filePermissions>) {}

  create(file: string, owner: string): Promise<void> {
    return this.ctx.delegate.create(file, owner)
  }

  async remove(file: string): Promise<void> {
    await this.ctx.delegate.remove(file)
    await this.ctx.state.del(file)
  }

  /** Projects the two entries on bits, and keeps the others here. */
  async setAcl(file: string, acl: Acl): Promise<void> {
    const { owner } = await this.ctx.delegate.mode(file)
    await this.ctx.delegate.chmod(file, toMode(owner, acl))
    const { [owner]: _owner, [everyone]: _everyone, ...named } = acl
    await this.ctx.state.put(file, named)
  }

  async getAcl(file: string): Promise<File> {
    const { owner, mode } = await this.ctx.delegate.mode(file)
    return { owner, acl: toAcl(owner, mode, await this.#named(file)) }
  }

  async mayRead(file: string, user: string): Promise<boolean> {
    return this.#allows(file, user, 'read')
  }

  async mayWrite(file: string, user: string): Promise<boolean> {
    return this.#allows(file, user, 'write')
  }

  $create({ args }: Shadowed<typeof filePermissions, 'create'>) {
    return [v2.create(...args)]
  }

  /** B3: a file that is made anew at version 1 has nobody's entries. */
  async $remove({ args: [file] }: Shadowed<typeof filePermissions, 'remove'>) {
    await this.ctx.state.del(file)
    return [v2.remove(file)]
  }

  /** B1: the two entries change, the named ones stay. */
  async $chmod({ args: [file, mode], after }: Shadowed<typeof filePermissions, 'chmod'>) {
    const { owner } = await after.mode(file)
    return [v2.setAcl(file, toAcl(owner, mode, await this.#named(file)))]
  }

  async #named(file: string): Promise<Acl> {
    return (await this.ctx.state.get<string, Acl>(file)) ?? {}
  }

  async #allows(file: string, user: string, what: keyof Access): Promise<boolean> {
    const found = await this.getAcl(file).catch(unlessMissing)
    return found !== undefined && allows(found, user, what)
  }
}

/** Version 1 on a peer that runs version 2. What bits cannot say is denied here (B2, B5). All of it follows from the list: no state. */
class PastFilePermissions implements ObjectOf<typeof filePermissions> {
  constructor(private readonly ctx: SimulationContext<typeof fileAccess>) {}

  create(file: string, owner: string): Promise<void> {
    return this.ctx.delegate.create(file, owner)
  }

  remove(file: string): Promise<void> {
    return this.ctx.delegate.remove(file)
  }

  async chmod(file: string, mode: Mode): Promise<void> {
    const { owner, acl } = await this.ctx.delegate.getAcl(file)
    await this.ctx.delegate.setAcl(file, toAcl(owner, mode, acl))
  }

  async mode(file: string): Promise<{ owner: string; mode: Mode }> {
    const { owner, acl } = await this.ctx.delegate.getAcl(file)
    return { owner, mode: toMode(owner, acl) }
  }

  async mayRead(file: string, user: string): Promise<boolean> {
    return (await this.#access(file, user)).read
  }

  async mayWrite(file: string, user: string): Promise<boolean> {
    return (await this.#access(file, user)).write
  }

  $create({ args }: Shadowed<typeof fileAccess, 'create'>) {
    return [v1.create(...args)]
  }

  $remove({ args }: Shadowed<typeof fileAccess, 'remove'>) {
    return [v1.remove(...args)]
  }

  async $setAcl({ args: [file], after }: Shadowed<typeof fileAccess, 'setAcl'>) {
    const { owner, acl } = await after.getAcl(file)
    return [v1.chmod(file, toMode(owner, acl))]
  }

  async #access(file: string, user: string): Promise<Access> {
    const found = await this.mode(file).catch(unlessMissing)
    if (found === undefined) return noAccess
    return user === found.owner ? found.mode.owner : found.mode.world
  }
}

export default defineUpgrade({
  from: filePermissions,
  to: defineClass(fileAccess, FileAccess),
  future: { model: 'shadowed', implementation: FutureFileAccess },
  past: { model: 'shadowed', implementation: PastFilePermissions },
  transform: {
    entries: async ({ key: file, value }, { futureState, newState }) => {
      const { owner, mode } = value as { readonly owner: string; readonly mode: Mode }
      await newState.put(file, { owner, acl: toAcl(owner, mode, await futureState.get<string, Acl>(file)) })
    }
  }
})
