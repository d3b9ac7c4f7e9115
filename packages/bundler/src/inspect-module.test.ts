import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildBundle } from './build-bundle.js'
import { inspectModule } from './inspect-module.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-inspect-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const shared = `
  import { command, defineClass, defineContract, defineUpgrade, query } from '@instar/simulator-runtime'
  import { z } from 'zod'
  const set = defineContract('IntSet', { insert: command(z.tuple([z.int()]), z.void()), has: query(z.tuple([z.int()]), z.boolean()) })
  const colours = defineContract('ColorSet', { insertColor: command(z.tuple([z.int(), z.string()]), z.void()), has: query(z.tuple([z.int()]), z.boolean()) })
  class IntSet { insert () {} has () { return false } }
  class ColorSet { insertColor () {} has () { return false } }
`
async function built(text: string): Promise<string> {
  await writeFile(join(folder, 'module.ts'), shared + text)
  const { entry } = await buildBundle({ entry: join(folder, 'module.ts'), outDir: join(folder, 'out') })
  return join(folder, 'out', 'files', entry)
}

describe('inspecting a module', () => {
  it('says what a descriptor has to say about a class', async () => {
    expect(await inspectModule(await built('export default defineClass(set, IntSet)'))).toMatchObject({
      kind: 'class',
      state: 'managed',
      newClass: 'IntSet',
      transform: 'none',
      contract: {
        methods: [
          { name: 'has', kind: 'query' },
          { name: 'insert', kind: 'command' }
        ]
      }
    })
  })

  it('says what a descriptor has to say about an upgrade', async () => {
    const path = await built(`export default defineUpgrade({
      from: set, to: defineClass(colours, ColorSet), future: ColorSet, past: { implementation: IntSet, disallow: {} }, transform () {}
    })`)
    expect(await inspectModule(path)).toMatchObject({
      kind: 'upgrade',
      oldClass: 'IntSet',
      newClass: 'ColorSet',
      future: 'direct',
      past: 'direct',
      transform: 'whole',
      compatible: false
    })
  })

  it('says how a simulation object relates to its delegate', async () => {
    const path = await built(`
      class Shadowed extends ColorSet { $insert () { return [] } }
      export default defineUpgrade({
        from: set, to: defineClass(colours, ColorSet),
        future: { model: 'shadowed', implementation: Shadowed },
        past: { model: 'interceptor', implementation: IntSet, instead: ColorSet }
      })`)
    expect(await inspectModule(path)).toMatchObject({ future: 'shadowed', past: 'interceptor', compatible: false })
  })

  it.each([
    [
      'valibot',
      `import * as v from 'valibot'`,
      `v.strictTuple([v.pipe(v.string(), v.trim())]), v.object({ count: v.number() })`
    ],
    ['arktype', `import { type } from 'arktype'`, `type(['string.trim']), type({ count: 'number.integer = 1' })`]
  ])('carries the validators of %s', async (_library, library, validators) => {
    const text = `${library}
      const shelf = defineContract('Shelf', { get: query(${validators}) })
      class Shelf { get () { return { count: 1 } } }
      export default defineClass(shelf, Shelf)`
    const { contract } = await inspectModule(await built(text))
    expect(contract).toMatchObject({ name: 'Shelf', methods: [{ name: 'get', kind: 'query' }] })
  })

  it('takes new code under the same contract for compatible', async () => {
    const path = await built(
      `export default defineUpgrade({ from: set, to: defineClass(set, class extends IntSet {}) })`
    )
    // Methods of a base class count.
    expect(await inspectModule(path)).toMatchObject({ compatible: true, oldClass: 'IntSet', newClass: 'IntSet' })
  })

  it.each([
    ['has no definition', 'export default 1', /neither a class/],
    ['throws', `throw new Error('not today')`, /not today/],
    ['exits', 'process.exit(0)', /ended: exit code 0/],
    ['loops', 'while (true);', /not loaded within/],
    ['lacks a method', 'export default defineClass(colours, IntSet)', /lacks the method insertColor/],
    [
      'lacks a shadow',
      `export default defineUpgrade({ from: set, to: defineClass(colours, ColorSet), future: { model: 'shadowed', implementation: ColorSet } })`,
      /lacks the shadow \$insert for IntSet.insert/
    ],
    [
      'has a shadow of nothing',
      `class Odd extends ColorSet { $insert () { return [] } $has () { return [] } }
       export default defineUpgrade({ from: set, to: defineClass(colours, ColorSet), future: { model: 'shadowed', implementation: Odd } })`,
      /IntSet has no command for the shadow \$has/
    ],
    [
      'has a past simulation object that would be told of commands on files',
      `class Told extends IntSet { $insertColor () { return [] } }
       export default defineUpgrade({ from: set, to: defineClass(colours, ColorSet, { state: 'directory' }), past: { model: 'shadowed', implementation: Told } })`,
      /cannot stand on a class whose state are files/
    ],
    [
      'writes a file',
      `import { writeFileSync } from 'node:fs'\nwriteFileSync('/tmp/instar-inspect-never', '')`,
      /restricted|denied/i
    ]
  ])('refuses a module that %s', async (_what, text, sentence) => {
    await expect(inspectModule(await built(text), { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: 'BundleLoadFailed',
      message: expect.stringMatching(sentence) as unknown
    })
  })
})
