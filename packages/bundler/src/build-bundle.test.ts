import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseManifest } from '@instar/core'
import { buildBundle } from './build-bundle.js'
import { readBundle } from './bundle-files.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-bundler-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

const source = {
  'upgrade.ts': `import { word } from './word.js'\nimport { old } from 'old-style'\n// a remark\nexport default class Thing { say (): string { return word + old } }\n`,
  'word.ts': `/*! a licence */ export const word: string = 'colour'\n`
}
const dependency = {
  'package.json': `{ "name": "old-style", "version": "1.0.0" }`,
  'index.js': `const { sep } = require('path')\nexports.old = sep\n`
}
const below = (prefix: string, files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${prefix}/${path}`, text]))

describe('building a bundle', () => {
  it('gives the same id in another folder with another layout of its dependencies', async () => {
    await write({
      ...below('one', source),
      ...below('one/node_modules/old-style', dependency),
      ...below('deep/er/two', source),
      ...below('store/old-style', dependency),
      'deep/er/two/tsconfig.json': `{ "compilerOptions": { "target": "ES5", "jsx": "preserve" } }`
    })
    await mkdir(join(folder, 'deep/node_modules'), { recursive: true })
    await symlink(join(folder, 'store/old-style'), join(folder, 'deep/node_modules/old-style'))
    const one = await buildBundle({ entry: join(folder, 'one/upgrade.ts') })
    const two = await buildBundle({ entry: join(folder, 'deep/er/two/upgrade.ts') })
    expect(two.bundle).toBe(one.bundle)
    expect(Buffer.from(two.files.get('upgrade.mjs')!).toString()).not.toContain(folder)
  })

  it('writes a module that runs by itself and a manifest that peers accept', async () => {
    await write({ ...below('one', source), ...below('one/node_modules/old-style', dependency) })
    const built = await buildBundle({ entry: join(folder, 'one/upgrade.ts'), outDir: join(folder, 'out') })
    expect(parseManifest(built.manifestBytes, built.bundle).verdict).toBe('accept')
    const module = (await import(pathToFileURL(join(folder, 'out/files', built.entry)).href)) as {
      default: new () => { say(): string }
    }
    expect(new module.default().say()).toBe('colour/')
    expect(module.default.name).toBe('Thing')
    expect((await readBundle(join(folder, 'out'))).bundle).toBe(built.bundle)
  })

  it('changes its id with its code', async () => {
    await write(below('one', { 'a.ts': 'export default 1' }))
    const before = await buildBundle({ entry: join(folder, 'one/a.ts') })
    await write(below('one', { 'a.ts': 'export default 2' }))
    expect((await buildBundle({ entry: join(folder, 'one/a.ts') })).bundle).not.toBe(before.bundle)
  })

  it.each([
    ['a syntax error', `export default {`, /a\.ts:1/],
    ['a module that is not installed', `import 'nowhere-to-be-found'`, /nowhere-to-be-found/],
    ['a native module', `import './thing.node'`, /native code.*thing\.node/]
  ])('refuses %s in one sentence', async (_name, text, sentence) => {
    await write({ 'a.ts': text, 'thing.node': '' })
    await expect(buildBundle({ entry: join(folder, 'a.ts') })).rejects.toMatchObject({
      code: 'BundleBuildFailed',
      message: expect.stringMatching(sentence) as unknown
    })
  })

  it('refuses a package that loads native code when it runs', async () => {
    await write({ 'a.ts': `import 'level-like'` })
    await write({
      'node_modules/level-like/package.json': `{ "name": "level-like" }`,
      'node_modules/level-like/index.js': `module.exports = require('node-gyp-build')(__dirname)`,
      'node_modules/node-gyp-build/package.json': `{ "name": "node-gyp-build" }`,
      'node_modules/node-gyp-build/index.js': `module.exports = () => 1`
    })
    await expect(buildBundle({ entry: join(folder, 'a.ts') })).rejects.toMatchObject({
      message: expect.stringMatching(/native code/) as unknown
    })
  })

  it('reads no bundle of which one byte was changed', async () => {
    await write({ 'a.ts': 'export default 1' })
    const out = join(folder, 'out')
    const built = await buildBundle({ entry: join(folder, 'a.ts'), outDir: out })
    const path = join(out, 'files', built.entry)
    const bytes = await readFile(path)
    bytes[0] = (bytes[0] ?? 0) ^ 1
    await writeFile(path, bytes)
    await expect(readBundle(out)).rejects.toMatchObject({ code: 'BundleInvalid' })
  })
})
