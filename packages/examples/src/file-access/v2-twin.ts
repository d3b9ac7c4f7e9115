import { callsOf, defineUpgrade, type Shadowed } from '@instar/simulator-runtime'
import { fileAccess, filePermissions, type Mode } from './contracts.js'
import oldClass, { FilePermissions } from './v1.js'
import shadowed, { FileAccess, toAcl, toMode } from './v2.js'

const v1 = callsOf(filePermissions)
const v2 = callsOf(fileAccess)

/** The new class, told of the calls of version 1. */
class FutureFileAccess extends FileAccess {
  async $create({ args }: Shadowed<typeof filePermissions, 'create'>) {
    await this.create(...args)
    return [v2.create(...args)]
  }

  /** B3: a file that is made anew has nobody's entries. */
  async $remove({ args }: Shadowed<typeof filePermissions, 'remove'>) {
    await this.remove(...args)
    return [v2.remove(...args)]
  }

  /** B1: the two entries change, the named ones stay. */
  async $chmod({ args: [file, mode] }: Shadowed<typeof filePermissions, 'chmod'>) {
    const { owner, acl } = await this.getAcl(file)
    const changed = toAcl(owner, mode, acl)
    await this.setAcl(file, changed)
    return [v2.setAcl(file, changed)]
  }
}

/** The old class, told of the calls of version 2. What bits cannot say they do not say: denied (B2, B5). */
class PastFilePermissions extends FilePermissions {
  async $create({ args }: Shadowed<typeof fileAccess, 'create'>) {
    await this.create(...args)
    return [v1.create(...args)]
  }

  async $remove({ args }: Shadowed<typeof fileAccess, 'remove'>) {
    await this.remove(...args)
    return [v1.remove(...args)]
  }

  async $setAcl({ args: [file], after }: Shadowed<typeof fileAccess, 'setAcl'>) {
    const { owner, acl } = await after.getAcl(file)
    const mode = toMode(owner, acl)
    await this.chmod(file, mode)
    return [v1.chmod(file, mode)]
  }
}

export default defineUpgrade({
  from: oldClass,
  to: shadowed.to,
  twin: {
    map: ({ key: file, value }, { newState }) => {
      const { owner, mode } = value as { owner: string; mode: Mode }
      return newState.put(file, { owner, acl: toAcl(owner, mode) })
    },
    future: FutureFileAccess,
    past: PastFilePermissions
  }
})
