import { defineSpecification, type Lens } from '@instar/simulator-runtime/check'
import { everyone, noAccess, type Access, type Acl, type Mode } from './contracts.js'
import { toAcl, toMode } from './v2.js'
import upgrade from './v2.js'

type Modes = Readonly<Record<string, { readonly owner: string; readonly mode: Mode }>>
type Acls = Readonly<Record<string, { readonly owner: string; readonly acl: Acl }>>

/** I: owner bits are the owner's entry, world bits the entry `everyone`; named entries are free. For every model of the upgrade. */
export default defineSpecification(upgrade, {
  views: { old: byFile<Modes>(), new: byFile<Acls>() },
  invariant: (old, next) => {
    for (const file of new Set([...Object.keys(old), ...Object.keys(next)])) {
      const [bits, list] = [old[file], next[file]]
      if (bits === undefined || list === undefined) return `${file} is at one version only`
      if (bits.owner !== list.owner) return `${file} has two owners`
      const { owner, world } = toMode(list.owner, list.acl)
      if (!areSame(bits.mode.owner, owner) || !areSame(bits.mode.world, world)) return `${file} has other bits`
    }
    return true
  },
  map: old =>
    Object.fromEntries(
      Object.entries(old).map(([file, { owner, mode }]) => [file, { owner, acl: toAcl(owner, mode) }])
    ),
  shadows: {
    old: {
      create: (next, { args: [file], before, after }) => {
        const made = after[file]
        if (before[file] !== undefined || made === undefined) return next
        return { ...next, [file]: { owner: made.owner, acl: toAcl(made.owner, made.mode) } }
      },
      remove: (next, { args: [file] }) => without(next, file),
      chmod: (next, { args: [file, mode] }) => {
        const { owner, acl } = found(next, file)
        return { ...next, [file]: { owner, acl: toAcl(owner, mode, acl) } }
      }
    },
    new: {
      create: (old, { args: [file], after }) => ({ ...old, [file]: projected(found(after, file)) }),
      remove: (old, { args: [file] }) => without(old, file),
      setAcl: (old, { args: [file], after }) => ({ ...old, [file]: projected(found(after, file)) })
    }
  },
  arguments: {
    create: fc => fc.tuple(fc.constantFrom('f', 'g'), fc.constantFrom('alice', 'bob')),
    remove: fc => fc.tuple(fc.constantFrom('f', 'g')),
    chmod: fc => {
      const access = fc.constantFrom<Access>(noAccess, { read: true, write: false }, { read: true, write: true })
      return fc.tuple(fc.constantFrom('f', 'g'), fc.record({ owner: access, world: access }))
    },
    setAcl: fc => {
      const access = fc.constantFrom<Access>(noAccess, { read: true, write: false }, { read: true, write: true })
      const acl = fc.dictionary(fc.constantFrom('alice', 'bob', everyone), access, { noNullPrototype: true })
      return fc.tuple(fc.constantFrom('f', 'g'), acl)
    },
    mode: fc => fc.tuple(fc.constantFrom('f', 'g')),
    getAcl: fc => fc.tuple(fc.constantFrom('f', 'g')),
    mayRead: fc => fc.tuple(fc.constantFrom('f', 'g'), fc.constantFrom('alice', 'bob', 'carol')),
    mayWrite: fc => fc.tuple(fc.constantFrom('f', 'g'), fc.constantFrom('alice', 'bob', 'carol'))
  }
})

function projected({ owner, acl }: Acls[string]): Modes[string] {
  return { owner, mode: toMode(owner, acl) }
}

function byFile<T extends Readonly<Record<string, unknown>>>(): Lens<T> {
  return {
    read: async state => Object.fromEntries(await state.iterator().all()) as T,
    write: async (files, state) => {
      for (const [file, each] of Object.entries(files)) await state.put(file, each)
    }
  }
}

function found<T>(files: Readonly<Record<string, T>>, file: string): T {
  const each = files[file]
  if (each === undefined) throw new RangeError(`there is no file ${file}`)
  return each
}

function without<T>(files: Readonly<Record<string, T>>, file: string): Readonly<Record<string, T>> {
  const { [file]: _, ...others } = files
  return others
}

function areSame(a: Access, b: Access): boolean {
  return a.read === b.read && a.write === b.write
}
