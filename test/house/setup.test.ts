import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, test, expect } from 'vitest'
import { folderWith, repository, runScript } from './run-script.js'

/** A clone in small: one package without dependencies, and a node_modules that is what its lockfile asks for. */
function smallClone(): string {
  const lock = JSON.stringify({ packages: { '': {}, 'packages/a': {} } })
  const options = {
    composite: true,
    rootDir: 'src',
    outDir: 'dist',
    tsBuildInfoFile: 'dist/.tsbuildinfo',
    types: [],
    skipLibCheck: true
  }
  const clone = folderWith({
    'package-lock.json': lock,
    'tsconfig.base.json': '{}',
    'tsconfig.json': JSON.stringify({ files: [], references: [{ path: 'packages/a' }] }),
    'packages/a/package.json': '{ "type": "module" }',
    'packages/a/tsconfig.json': JSON.stringify({ compilerOptions: options, include: ['src'] }),
    'packages/a/src/index.ts': 'export const a = 1\n',
    'node_modules/.package-lock.json': lock
  })
  mkdirSync(join(clone, 'scripts'))
  copyFileSync(join(repository, 'scripts', 'setup.mjs'), join(clone, 'scripts', 'setup.mjs'))
  mkdirSync(join(clone, 'node_modules', '.bin'))
  symlinkSync(process.execPath, join(clone, 'node_modules', '.bin', 'node'))
  symlinkSync(join(repository, 'node_modules', 'typescript'), join(clone, 'node_modules', 'typescript'))
  return clone
}

const setup = async (clone: string, ...args: string[]): Promise<{ code: number; output: string }> =>
  runScript(['scripts/setup.mjs', ...args], clone)

const built = { code: 0, output: expect.stringMatching(/^set-up: building\nset-up: done in [\d.]+ s\n$/) as string }
const nothing = { code: 0, output: '' }

test('builds once, and again when a source changes or the build is gone', async () => {
  const clone = smallClone()
  expect(await setup(clone)).toEqual(built)
  expect(existsSync(join(clone, 'packages/a/dist/index.js'))).toBe(true)
  expect(await setup(clone)).toEqual(nothing)

  writeFileSync(join(clone, 'packages/a/src/index.ts'), 'export const a = 12\n')
  expect(await setup(clone)).toEqual(built)

  writeFileSync(join(clone, 'packages/a/src/b.ts'), 'export const b = 1\n')
  expect(await setup(clone)).toEqual(built)

  rmSync(join(clone, 'packages/a/dist'), { recursive: true })
  expect(await setup(clone)).toEqual(built)
  expect(await setup(clone)).toEqual(nothing)
})

test('fails for a source that does not compile, every time until it does', async () => {
  const clone = smallClone()
  writeFileSync(join(clone, 'packages/a/src/index.ts'), "export const a: number = 'one'\n")
  for (let time = 1; time <= 2; time++) {
    const { code, output } = await setup(clone)
    expect(output).toContain('TS2322')
    expect(code).toBe(1)
  }
  writeFileSync(join(clone, 'packages/a/src/index.ts'), 'export const a: number = 1\n')
  expect(await setup(clone)).toEqual(built)
})

test('says nothing with --quiet', async () => {
  expect(await setup(smallClone(), '--quiet')).toEqual(nothing)
})

test('asks for the lockfile when it is broken', async () => {
  const clone = smallClone()
  writeFileSync(join(clone, 'package-lock.json'), '{')
  expect(await setup(clone)).toEqual({
    code: 1,
    output: 'set-up: package-lock.json is missing or broken: restore it with git.\n'
  })
})

test('takes over from a set-up that was killed', async () => {
  const clone = smallClone()
  const dead = spawn(process.execPath, ['--version'])
  await once(dead, 'exit')
  writeFileSync(join(clone, '.setup.lock'), String(dead.pid))
  expect(await setup(clone)).toEqual(built)
  expect(existsSync(join(clone, '.setup.lock'))).toBe(false)
})

test('waits for a set-up that is running', async () => {
  const clone = smallClone()
  const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  onTestFinished(() => void other.kill())
  writeFileSync(join(clone, '.setup.lock'), String(other.pid))

  const waiting = spawn(process.execPath, ['scripts/setup.mjs'], { cwd: clone })
  onTestFinished(() => void waiting.kill())
  const [first] = (await once(waiting.stdout, 'data')) as [Buffer]
  expect(first.toString()).toBe(`set-up: waiting for another set-up (process ${other.pid ?? ''})\n`)
  expect(existsSync(join(clone, 'packages/a/dist'))).toBe(false)

  other.stdin.end()
  const [code] = (await once(waiting, 'exit')) as [number]
  expect(code).toBe(0)
  expect(existsSync(join(clone, 'packages/a/dist/index.js'))).toBe(true)
})
