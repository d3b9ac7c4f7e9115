// A checker that cannot fail checks nothing: each one gets a sample that it must refuse, and one that it must let pass.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ESLint } from 'eslint'
import { Application, Logger, TSConfigReader } from 'typedoc'
import { describe, expect, test } from 'vitest'
import { folderWith, repository, runScript } from './run-script.js'

describe('lint', () => {
  // With CI set, typed rules look at the files on disk once; here they are to look at the samples.
  process.env['TSESTREE_SINGLE_RUN'] = 'false'
  const eslint = new ESLint({ cwd: repository })

  async function rulesBroken(code: string, filePath: string): Promise<(string | null)[]> {
    const [result] = await eslint.lintText(code, { filePath: join(repository, filePath) })
    return (result?.messages ?? []).map(message => message.ruleId)
  }

  const impure = [
    ['export const now = Date.now()\n', 'no-restricted-properties'],
    ['export const now = new Date()\n', 'no-restricted-syntax'],
    ['export const chance = Math.random()\n', 'no-restricted-properties'],
    ['export const now = performance.now()\n', 'no-restricted-globals'],
    ['export const id = crypto.randomUUID()\n', 'no-restricted-globals'],
    ["export { readFileSync } from 'node:fs'\n", 'no-restricted-imports'],
    ["export { randomBytes } from '@noble/hashes/utils.js'\n", 'no-restricted-imports'],
    ["export const before = 'a'.localeCompare('b')\n", 'no-restricted-properties']
  ] as const

  test.each(impure)('refuses %j in core and in scheduler', async (code, rule) => {
    expect(await rulesBroken(code, 'packages/core/src/index.ts')).toContain(rule)
    expect(await rulesBroken(code, 'packages/scheduler/src/index.ts')).toContain(rule)
  })

  test('lets the clock be read where it is not an input', async () => {
    expect(await rulesBroken('export const now = Date.now()\n', 'packages/node/src/index.ts')).toEqual([])
  })

  test('lets core make a date of a time that was passed in', async () => {
    const code = 'export const toIso = (timeMs: number): string => new Date(timeMs).toISOString()\n'
    expect(await rulesBroken(code, 'packages/core/src/index.ts')).toEqual([])
  })

  test('refuses a promise that no one waits for', async () => {
    const code = 'export function start(work: () => Promise<void>): void {\n  work()\n}\n'
    expect(await rulesBroken(code, 'packages/node/src/index.ts')).toContain('@typescript-eslint/no-floating-promises')
  })
})

describe('documentation of what is public', () => {
  async function undocumented(source: string): Promise<number> {
    const config = (await import(pathToFileURL(join(repository, 'typedoc.config.mjs')).href)) as { default: object }
    const folder = folderWith({
      'package.json': '{ "name": "@instar/core", "type": "module" }',
      'tsconfig.json': '{ "compilerOptions": { "noLib": true }, "files": ["index.ts"] }',
      'index.ts': source
    })
    const paths = { tsconfig: join(folder, 'tsconfig.json'), entryPoints: [join(folder, 'index.ts')] }
    const app = await Application.bootstrap({ ...config.default, plugin: [], ...paths }, [new TSConfigReader()])
    app.logger = new Logger()
    const project = await app.convert()
    app.validate(project!)
    return app.logger.warningCount
  }

  test.each([
    ['function', 'export function f(): void {}\n'],
    ['type', 'export type T = string\n'],
    ['method', '/** It has one. */\nexport interface I { m(): void }\n']
  ])('refuses a %s without', async (_kind, source) => {
    expect(await undocumented(source)).toBe(1)
  })

  test('lets pass what has it', async () => {
    expect(await undocumented('/** Does nothing. */\nexport function f(): void {}\n')).toBe(0)
  })
})

describe('arrows', () => {
  const depcruise = join(repository, 'node_modules', 'dependency-cruiser', 'bin/dependency-cruiser.mjs')

  async function cruise(files: Readonly<Record<string, string>>): Promise<{ code: number; output: string }> {
    const folder = folderWith({ 'tsconfig.check.json': '{}', 'package.json': '{ "type": "module" }', ...files })
    return runScript([depcruise, '--config', join(repository, '.dependency-cruiser.js'), 'packages'], folder)
  }

  const index = (name: string): string => `packages/${name}/src/index.ts`
  const importOf = (name: string): string => `export * from '../../${name}/dist/index.js'\n`

  test.each([
    ['core', 'node'],
    ['client', 'node'],
    ['signer', 'scheduler'],
    ['rpc', 'simulator-runtime'],
    ['unheard-of', 'core']
  ])('refuses that %s imports %s', async (from, to) => {
    const result = await cruise({ [index(from)]: importOf(to), [`packages/${to}/dist/index.js`]: '' })
    expect(result.output).toContain(from === 'unheard-of' ? 'arrows-of-unknown' : `arrows-of-${from}`)
    expect(result.code).not.toBe(0)
  })

  test('lets node import core', async () => {
    expect(await cruise({ [index('node')]: importOf('core'), 'packages/core/dist/index.js': '' })).toMatchObject({
      code: 0
    })
  })

  test('refuses the sources of another package', async () => {
    const files = { [index('node')]: "export * from '../../core/src/index.js'\n", [index('core')]: 'export {}\n' }
    expect((await cruise(files)).output).toContain('no-deep-imports')
  })

  test('refuses a cycle, also one of types only', async () => {
    const files = {
      'packages/core/src/a.ts': "import type { B } from './b.js'\nexport type A = B[]\n",
      'packages/core/src/b.ts': "import type { A } from './a.js'\nexport interface B { a: A }\n"
    }
    expect((await cruise(files)).output).toContain('no-cycles')
  })

  test('refuses I/O in core', async () => {
    expect((await cruise({ [index('core')]: "export * from 'node:fs'\n" })).output).toContain('pure')
  })
})

describe('collected tests', () => {
  const script = join(repository, 'scripts', 'check-tests-collected.mjs')

  test('passes when a project collects every test file', async () => {
    const folder = folderWith({
      'packages/a/test/b/c.test.ts': '',
      'packages/a/src/d.test.ts': '',
      'test/e.test.ts': ''
    })
    expect(await runScript([script, folder], folder)).toEqual({ code: 0, output: '3 test files, all collected\n' })
  })

  test.each(['packages/a/tests/b.test.ts', 'packages/a/test/b.spec.ts', 'scripts/b.test.mjs'])(
    'fails for %s, which no project collects',
    async file => {
      const folder = folderWith({ 'test/e.test.ts': '', [file]: '' })
      const { code, output } = await runScript([script, folder], folder)
      expect(output).toBe(`${file}: no vitest project collects this file (see vitest.config.ts)\n`)
      expect(code).toBe(1)
    }
  )
})

describe('pins', () => {
  const script = join(repository, 'scripts', 'check-pins.mjs')
  const table = '| `a` | 1.0.0 |\n| `b` | 1.0.0 |\n'

  async function pins(dependencies: unknown, packages: unknown = {}): Promise<{ code: number; output: string }> {
    const folder = folderWith({
      'package.json': JSON.stringify({ dependencies: { a: '1.0.0' } }),
      'packages/p/package.json': JSON.stringify({ dependencies }),
      'package-lock.json': JSON.stringify({ packages }),
      'docs/dependencies.md': table
    })
    return runScript([script, folder], folder)
  }

  test('passes when every version is exact, alone, and explained', async () => {
    const lock = {
      'node_modules/a': { optionalDependencies: { c: '1.0.0', d: '1.0.0' } },
      'node_modules/a/node_modules/c': {},
      'node_modules/d': {}
    }
    expect(await pins({ a: '1.0.0', b: '1.0.0' }, lock)).toEqual({ code: 0, output: '2 dependencies, all pinned\n' })
  })

  test.each([
    ['a range', { b: '^1.0.0' }, {}, 'packages/p/package.json: b is "^1.0.0"'],
    ['a tag', { b: 'latest' }, {}, 'packages/p/package.json: b is "latest"'],
    ['two versions', { a: '2.0.0' }, {}, 'a has several versions'],
    ['a dependency without a row', { e: '1.0.0' }, {}, 'no row for e 1.0.0'],
    ['a download address', {}, { 'node_modules/a': { resolved: 'https://example.invalid/a.tgz' } }, 'download address'],
    ['a missing platform', {}, { 'node_modules/a': { optionalDependencies: { c: '1.0.0' } } }, 'no entry for c']
  ])('fails for %s', async (_what, dependencies, packages, complaint) => {
    const { code, output } = await pins(dependencies, packages)
    expect(output).toContain(complaint)
    expect(code).toBe(1)
  })
})
