import { defineClass, Failed, type ObjectContext, type ObjectOf } from '@instar/simulator-runtime'
import { defaultMode, filePermissions, type Mode } from './contracts.js'

interface File {
  readonly owner: string
  readonly mode: Mode
}

/** State: `<file>` → owner and bits. */
export class FilePermissions implements ObjectOf<typeof filePermissions> {
  constructor(private readonly ctx: ObjectContext) {}

  async create(file: string, owner: string): Promise<void> {
    if (!(await this.ctx.state.has(file))) await this.ctx.state.put(file, { owner, mode: defaultMode })
  }

  remove(file: string): Promise<void> {
    return this.ctx.state.del(file)
  }

  async chmod(file: string, mode: Mode): Promise<void> {
    const { owner } = await this.mode(file)
    await this.ctx.state.put(file, { owner, mode })
  }

  async mode(file: string): Promise<File> {
    const found = await this.ctx.state.get<string, File>(file)
    if (found === undefined) throw new Failed(`there is no file ${file}`)
    return found
  }

  async mayRead(file: string, user: string): Promise<boolean> {
    return (await this.#access(file, user))?.read ?? false
  }

  async mayWrite(file: string, user: string): Promise<boolean> {
    return (await this.#access(file, user))?.write ?? false
  }

  async #access(file: string, user: string) {
    const found = await this.ctx.state.get<string, File>(file)
    return user === found?.owner ? found.mode.owner : found?.mode.world
  }
}

export default defineClass(filePermissions, FilePermissions)
