import fc from 'fast-check'
import { colours, defaultMode, everyone, type Acl, type Colour, type Mode } from '../src/index.js'
import type { Call, Reference } from './histories.js'

/** Example A: the whole truth is which element has which colour. */
class ColouredIntegers implements Reference {
  readonly #items = new Map<number, Colour>()

  call(_version: number, method: string, [x, color]: readonly [number, Colour]): unknown {
    const known = this.#items.get(x)
    switch (method) {
      case 'insert':
        if (known === undefined) this.#items.set(x, 'blue')
        return undefined
      case 'insertColor':
        this.#items.set(x, color)
        return undefined
      case 'delete':
        this.#items.delete(x)
        return undefined
      case 'contains':
        return known !== undefined
      case 'size':
        return this.#items.size
      case 'getColor':
        return known ?? 'Failed'
      case 'countByColor': {
        const counts: Partial<Record<Colour, number>> = {}
        for (const each of this.#items.values()) counts[each] = (counts[each] ?? 0) + 1
        return counts
      }
      default:
        throw new RangeError(method)
    }
  }

  withdraw(version: number): void {
    if (version === 2) for (const x of this.#items.keys()) this.#items.set(x, 'blue')
  }
}

export const integers = {
  reference: () => new ColouredIntegers(),
  commands(version: number): fc.Arbitrary<Call> {
    const x = fc.integer({ min: 1, max: 3 })
    const color = fc.constantFrom(...colours)
    return version === 1
      ? fc.oneof(callOf('insert', x), callOf('delete', x))
      : fc.oneof(callOf('insertColor', x, color), callOf('delete', x))
  },
  queries(version: number): readonly Call[] {
    const each = [1, 2, 3]
    if (version === 1) return [['size'], ...each.map((x): Call => ['contains', x])]
    const both = each.flatMap((x): Call[] => [
      ['contains', x],
      ['getColor', x]
    ])
    return version === 2 ? both : [...both, ['countByColor']]
  }
}

function callOf(method: string, ...args: Array<fc.Arbitrary<unknown>>): fc.Arbitrary<Call> {
  return fc.tuple(...args).map((given): Call => [method, ...given])
}

/** Example B: the whole truth is the list of each file; version 1 sees two of its entries. */
class FilesWithLists implements Reference {
  readonly #files = new Map<string, { owner: string; acl: Acl }>()

  call(version: number, method: string, [name, second]: readonly [string, unknown]): unknown {
    const file = this.#files.get(name)
    switch (method) {
      case 'create': {
        const owner = second as string
        const acl = { [owner]: defaultMode.owner, [everyone]: defaultMode.world }
        if (file === undefined) this.#files.set(name, { owner, acl })
        return undefined
      }
      case 'remove':
        this.#files.delete(name)
        return undefined
      case 'mayRead':
      case 'mayWrite':
        return this.#may(version, file, second as string, method === 'mayRead' ? 'read' : 'write')
    }
    if (file === undefined) return 'Failed'
    const none = { read: false, write: false }
    switch (method) {
      case 'mode':
        return { owner: file.owner, mode: { owner: file.acl[file.owner], world: file.acl[everyone] } }
      case 'getAcl':
        return file
      case 'chmod': {
        const mode = second as Mode
        file.acl = { ...file.acl, [file.owner]: mode.owner, [everyone]: mode.world }
        return undefined
      }
      case 'setAcl':
        file.acl = { [file.owner]: none, [everyone]: none, ...(second as Acl) }
        return undefined
      default:
        throw new RangeError(method)
    }
  }

  #may(version: number, file: { owner: string; acl: Acl } | undefined, user: string, what: 'read' | 'write'): boolean {
    if (file === undefined) return false
    const [own, world] = [file.acl[user]?.[what] ?? false, file.acl[everyone]?.[what] ?? false]
    if (version === 1) return user === file.owner ? own : world
    return own || world
  }

  withdraw(): void {
    for (const file of this.#files.values()) {
      const { [file.owner]: own, [everyone]: world } = file.acl
      file.acl = { [file.owner]: own, [everyone]: world } as Acl
    }
  }
}

export const files = {
  reference: () => new FilesWithLists(),
  commands(version: number): fc.Arbitrary<Call> {
    const file = fc.constantFrom('f', 'g')
    const user = fc.constantFrom('alice', 'bob')
    const access = fc.record({ read: fc.boolean(), write: fc.boolean() })
    const acl = fc.dictionary(fc.constantFrom('alice', 'bob', everyone), access, { noNullPrototype: true })
    return fc.oneof(
      callOf('create', file, user),
      callOf('remove', file),
      version === 1 ? callOf('chmod', file, fc.record({ owner: access, world: access })) : callOf('setAcl', file, acl)
    )
  },
  queries(version: number): readonly Call[] {
    return ['f', 'g'].flatMap(file => [
      [version === 1 ? 'mode' : 'getAcl', file] as const,
      ...['alice', 'bob', 'carol'].flatMap((user): Call[] => [
        ['mayRead', file, user],
        ['mayWrite', file, user]
      ])
    ])
  }
}
