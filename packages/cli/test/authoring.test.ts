import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Descriptor } from '@instar/core'
import { readGenesisSeed } from '@instar/node/control'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFakePeer, type FakePeer } from './fake-peer.js'
import { instar, objectsOf } from './instar.js'

const skeleton = fileURLToPath(new URL('../src/skeleton/', import.meta.url))
const installed = fileURLToPath(new URL('../../../node_modules/', import.meta.url))

let folder: string
let peer: FakePeer

/** One author's way from nothing to a published upgrade; each test goes on where the one before ended. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-author-'))
  await cp(skeleton, folder, { recursive: true })
  await symlink(installed, join(folder, 'node_modules'))
})
afterAll(async () => {
  await peer.close()
  await rm(folder, { recursive: true })
})

const lastObject = (out: string) => objectsOf(out).at(-1)

describe('making a network', () => {
  it('writes nothing with --dry-run', async () => {
    const args = ['--class', './counter.ts', '--data', 'one', '--keys', 'keys', '--dry-run', '--json']
    const { code, out } = await instar(folder, 'network', 'create', ...args)
    expect(code).toBe(0)
    expect(lastObject(out)).toMatchObject({ dryRun: true, classes: ['counter'] })
    expect(await readdir(folder)).not.toContain('one')
  })

  it('leaves keys, and the seed of the first peer', async () => {
    const args = ['--class', 'counter=./counter.ts', '--data', 'one', '--keys', 'keys', '--no-passphrase', '--json']
    const { code, out } = await instar(folder, 'network', 'create', ...args, '--durability', 'disk')
    expect(code).toBe(0)
    const seed = await readGenesisSeed(join(folder, 'one'))
    expect(seed?.network).toBe(lastObject(out)?.['network'])
    expect(seed?.bundles).toHaveLength(1)
    expect((await stat(join(folder, 'keys'))).mode & 0o777).toBe(0o700)
    peer = await startFakePeer(join(folder, 'one'), seed!.network)
    const verdicts = await peer.submit({ documents: seed!.documents, descriptor: seed!.descriptor })
    expect(verdicts.map(each => each.verdict)).toEqual(Array.from({ length: 6 }, () => 'accept'))
  })

  it('does not take the place of another network', async () => {
    const args = ['--class', './counter.ts', '--data', 'one', '--keys', 'other-keys', '--no-passphrase']
    const { code, err } = await instar(folder, 'network', 'create', ...args)
    expect(code).toBe(2)
    expect(err).toMatch(/^instar: .*one.*\n$/)
    expect(await readdir(folder)).not.toContain('other-keys')
  })

  it('refuses a module under another class name', async () => {
    const args = ['--class', 'int-set=./counter.ts', '--data', 'two', '--keys', 'keys2', '--no-passphrase']
    expect(await instar(folder, 'network', 'create', ...args)).toMatchObject({
      code: 2,
      err: expect.stringContaining('defines the class counter, not int-set') as string
    })
  })

  it('shows it', async () => {
    const { out } = await instar(folder, 'network', 'show', '--data', 'one')
    expect(out).toMatch(/v1 +Genesis .* counter/)
    expect((await instar(folder, 'keys', 'list', '--keys', 'keys', '--json')).out).toContain('"role":"targets"')
  })
})

describe('publishing an upgrade', () => {
  const build = ['upgrade', 'build', './counter-with-history.ts', '--title', 'History', '--data', 'one', '-o', 'out']

  const sign = ['upgrade', 'sign', 'out/proposal.json', '--keys', 'keys', '--data', 'one']

  it('builds a descriptor on what the peer trusts', async () => {
    expect((await instar(folder, ...build, '--dry-run')).out).toContain('Would write it to out')
    expect(await readdir(folder)).not.toContain('out')
    const { code, out } = await instar(folder, ...build, '--schedule', 'rolling:2', '--deadline', '3d', '--json')
    expect(code).toBe(0)
    expect(lastObject(out)).toMatchObject({
      version: 2,
      descriptor: {
        classes: [
          {
            oldClass: 'counter',
            newClass: 'counter',
            compatible: false,
            future: 'twin',
            past: 'twin',
            transform: 'mapping',
            durability: 'disk',
            schedule: { strategy: { type: 'rolling', maxUnavailable: 2 } }
          }
        ]
      }
    })
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(['bundles', 'descriptor.json', 'proposal.json'])
  })

  it('warns whoever signs of what was not checked', async () => {
    const { code, out } = await instar(folder, ...sign, '--dry-run')
    expect(code).toBe(0)
    expect(out).toContain('Warning: The upgrade to counter was not checked here')
  })

  it(
    'checks it against the specification beside it, and leaves a note for whoever signs',
    { timeout: 60_000 },
    async () => {
      const args = [
        './counter.ts',
        './counter-with-history.ts',
        '--histories',
        '20',
        '--seed',
        '1',
        '-o',
        'out',
        '--json'
      ]
      const { code, out, err } = await instar(folder, 'upgrade', 'check', ...args)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(lastObject(out)).toMatchObject({
        passed: true,
        histories: 20,
        seed: 1,
        specifications: ['counter-with-history.specification.ts']
      })
      const signing = await instar(folder, ...sign, '--dry-run')
      expect(signing.out).toContain(
        'The author notes, unsigned, that the upgrade to counter was checked (20 histories, seed 1'
      )
      expect(signing.out).not.toContain('Warning')
    }
  )

  it('refuses what a check finds wrong, with the history that shows it', { timeout: 60_000 }, async () => {
    const right = await readFile(join(folder, 'counter-with-history.ts'), 'utf8')
    await writeFile(join(folder, 'forgetful.ts'), right.replace("await this.add(amount, '')", 'await this.total()'))
    const args = ['--specification', './counter-with-history.specification.ts', '--seed', '1', '-o', 'forgotten']
    const { code, out, err } = await instar(folder, 'upgrade', 'check', './counter.ts', './forgetful.ts', ...args)
    expect(code).toBe(4)
    expect(err).toMatch(/^instar: The upgrade is wrong: /)
    expect(out).toMatch(/(introduce|upgrade to|begin as version) 2/)
    expect(out).toMatch(/→ .*v2\./)
    const path = /see it again with seed 1 and path (s?\d+)/.exec(out)?.[1] ?? ''
    const again = await instar(folder, 'upgrade', 'check', './counter.ts', './forgetful.ts', ...args, '--path', path)
    expect(again.err).toBe(err)
  })

  it('says whose arguments it cannot make', async () => {
    const module = `
      import { command, defineClass, defineContract } from '@instar/simulator-runtime'
      import { z } from 'zod'
      class Diary { note(): undefined {} }
      export default defineClass(defineContract('diary', { note: command(z.tuple([z.date()]), z.undefined()) }), Diary)`
    await writeFile(join(folder, 'diary.ts'), module)
    await writeFile(join(folder, 'diary-patch.ts'), module)
    const { code, err } = await instar(folder, 'upgrade', 'check', './diary.ts', './diary-patch.ts')
    expect(code).toBe(2)
    expect(err).toContain('No arguments can be made for diary.note')
  })

  it('refuses a module that upgrades nothing of this network', async () => {
    const { code, err } = await instar(folder, 'upgrade', 'build', './counter.ts', '--title', 'x', '--data', 'one')
    expect(code).toBe(2)
    expect(err).toContain('has the class counter already')
  })

  const publish = ['upgrade', 'publish', 'out/proposal.json', '--keys', 'keys', '--data', 'one', '--wait', '0s']

  it('is refused before anyone signed', async () => {
    expect(await instar(folder, ...publish)).toMatchObject({
      code: 4,
      err: expect.stringContaining('NotTrusted') as string
    })
    expect(peer.asked).toEqual([])
  })

  it('shows what a signature means, and asks', async () => {
    const before = await readFile(join(folder, 'out/proposal.json'))
    const asked = await instar(folder, ...sign)
    expect(asked.code).toBe(2)
    expect(asked.out).toContain('upgrades class counter → counter')
    expect(asked.out).toContain('before the upgrade: version 2 is served by a twin')
    expect(asked.out).toContain('callers do not wait for it')
    expect(asked.out).toContain('way back: exact')
    expect(asked.err).toContain('--yes')
    expect(await readFile(join(folder, 'out/proposal.json'))).toEqual(before)
  })

  it('says before anyone signs what each peer would do, and what is in its way', async () => {
    const [other] = peer.status().peers
    peer.changes.class = 'counter'
    peer.changes.versions = []
    peer.changes.peers = [
      { ...other!, class: 'counter', reachable: false, lastHeardMs: 240_000, versions: [] },
      { ...other!, class: 'another', versions: [], served: [1, 1] }
    ]
    const plan = ['upgrade', 'plan', 'out/proposal.json', '--data', 'one']
    expect(objectsOf((await instar(folder, ...plan, '--json')).out)).toMatchObject([
      {
        version: 2,
        classes: [{ oldClass: 'counter', back: expect.stringContaining('exact') as string }],
        peers: [
          { class: 'counter', will: 'upgrade', servesBefore: [1, 2], servesAfter: [1, 2], blockers: [] },
          { class: 'counter', will: 'upgrade', blockers: ['not heard of for 4 min'] },
          { class: 'another', will: 'renumber', servesBefore: [1, 2], servesAfter: [1, 2], blockers: [] }
        ],
        blockers: ['The disk is nearly full.']
      }
    ])
    const { code, out } = await instar(folder, ...plan)
    expect(code).toBe(0)
    expect(out).toContain('2 of 3 known peers would upgrade')
    expect(out).toContain('The state of this peer takes 12 kB of its disk now.')
    expect(out).toMatch(/way back +exact/)
    expect(out).toMatch(/another +v1 +renumber +v1–v2 +v1–v2/)
    for (const key of ['class', 'versions', 'peers'] as const) Reflect.deleteProperty(peer.changes, key)
  })

  it('signs, uploads, submits', async () => {
    expect(await instar(folder, ...sign, '--yes')).toMatchObject({ code: 0, err: '' })
    expect((await instar(folder, ...publish, '--dry-run')).out).toContain('Would publish version 2')
    expect(peer.asked).toEqual([])
    const { code, out, err } = await instar(folder, ...publish, '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(lastObject(out)).toEqual({ published: 2 })
    expect(peer.asked).toEqual(['putFile counter-with-history.mjs with bytes'])
    expect((await instar(folder, 'network', 'show', '--data', 'one')).out).toMatch(/v2 +History/)
  })

  it('may be repeated, and watches the version reach the others', async () => {
    const { code, out } = await instar(folder, ...publish.slice(0, -1), '5s')
    expect(code).toBe(0)
    expect(out).toContain('The peer has bundle')
    expect(out).toContain('All 1 other peers know it.')
  })

  it('has worked, and says how far it came, when some peer has not heard of it in time', async () => {
    const [other] = peer.status().peers
    peer.changes.peers = [{ ...other!, running: 1, versions: [] }]
    const ran = await instar(folder, ...publish.slice(0, -1), '300ms')
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toContain('0 of 1 other peers know it after 300 ms.')
  })
})

describe('patching a class', () => {
  const patch = (module: string, ...more: string[]) =>
    instar(folder, 'upgrade', 'patch', module, '--data', 'one', ...more)
  const patched = `
    import { defineClass } from '@instar/simulator-runtime'
    import upgrade, { counterV2 } from './counter-with-history.js'
    class Faster extends upgrade.to.implementation {}
    export default defineClass(counterV2, Faster)`

  beforeAll(async () => {
    await writeFile(join(folder, 'faster.ts'), patched)
    await writeFile(
      join(folder, 'wider.ts'),
      patched
        .replace(
          'counterV2, Faster',
          `{ ...counterV2, methods: { ...counterV2.methods, add: command(z.tuple([z.number(), z.string()]), z.undefined()) } }, Faster`
        )
        .replace('import { defineClass }', `import { z } from 'zod'\nimport { command, defineClass }`)
    )
  })

  it('needs the code that it is compared with', async () => {
    expect(await patch('./faster.ts')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/does not hold the code of counter at version 2/) as string
    })
    await cp(join(folder, 'out/bundles'), join(folder, 'one/bundles'), { recursive: true })
  })

  it('makes a compatible upgrade of a class alone, and says what was compared', async () => {
    const { code, out, err } = await patch('./faster.ts', '-o', 'patch', '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(lastObject(out)).toMatchObject({
      version: 3,
      descriptor: {
        title: 'Patch',
        classes: [{ oldClass: 'counter', newClass: 'counter', compatible: true, transform: 'none' }]
      },
      hints: [
        expect.stringMatching(/that of version 2 in its 3 methods.*validators of add, which have no JSON Schema/),
        expect.stringMatching(/NO way back.*--back copy/)
      ]
    })
    expect((await readdir(join(folder, 'patch'))).sort()).toEqual(['bundles', 'descriptor.json', 'proposal.json'])
    const signed = await instar(
      folder,
      'upgrade',
      'sign',
      'patch/proposal.json',
      '--keys',
      'keys',
      '--data',
      'one',
      '-y'
    )
    expect(signed).toMatchObject({ code: 0, out: expect.stringContaining('the contract is the same') as string })
  })

  it.each([
    ['./wider.ts', 'is no patch of counter as version 2 has it: add takes other arguments'],
    ['./counter.ts', 'is no patch of counter as version 2 has it: add takes other arguments'],
    ['./counter-with-history.ts', 'defines an upgrade, and a patch is the new class alone']
  ])('refuses %s', async (module, sentence) => {
    expect(await patch(module)).toMatchObject({ code: 2, err: expect.stringContaining(sentence) as string })
  })

  const startsOf = (out: string) =>
    (lastObject(out)!['descriptor'] as Descriptor).classes.map(({ from, compatible, transform }) => [
      from,
      compatible,
      transform
    ])

  it('can repair a version whose contract is another than before, with an upgrade for who comes from there', async () => {
    const repair = await patch('./faster.ts', '--supersedes', '2', '--from', '1=./counter-with-history.ts', '--json')
    expect(repair).toMatchObject({ code: 0, err: '' })
    expect(lastObject(repair.out)).toMatchObject({ version: 3, descriptor: { supersedes: [2] } })
    expect(startsOf(repair.out)).toEqual([
      [undefined, true, 'none'],
      [1, false, 'mapping']
    ])
  })

  it('can repair a patch, for everybody whose class has that contract', async () => {
    const published = [
      'publish',
      'patch/proposal.json',
      '--data',
      'one',
      '--keys',
      'keys',
      '--wait',
      '0s',
      '--irreversible'
    ]
    expect(await instar(folder, 'upgrade', ...published)).toMatchObject({ code: 0, err: '' })
    await cp(join(folder, 'patch/bundles'), join(folder, 'one/bundles'), { recursive: true })
    await writeFile(join(folder, 'mended.ts'), patched.replaceAll('Faster', 'Mended'))
    const repair = await patch('./mended.ts', '--supersedes', '3', '--json')
    expect(repair).toMatchObject({ code: 0, err: '' })
    expect(lastObject(repair.out)).toMatchObject({ version: 4, descriptor: { supersedes: [3] } })
    expect(startsOf(repair.out)).toEqual([
      [undefined, true, 'none'],
      [2, true, 'none']
    ])
  })
})

describe('upgrade new', () => {
  it('writes a project and does not overwrite one', async () => {
    await mkdir(join(folder, 'work'))
    expect((await instar(folder, 'upgrade', 'new', 'work/My Service')).code).toBe(0)
    expect((await readdir(join(folder, 'work/My Service'))).sort()).toEqual([
      'counter-test.ts',
      'counter-with-history.specification.ts',
      'counter-with-history.ts',
      'counter.ts',
      'package.json',
      'tsconfig.json'
    ])
    expect(await readFile(join(folder, 'work/My Service/package.json'), 'utf8')).toContain('"name": "my-service"')
    expect((await instar(folder, 'upgrade', 'new', 'work/My Service')).code).toBe(2)
  })

  it('writes a test that Node runs as it is, and that passes', { timeout: 120_000 }, async () => {
    const project = join(folder, 'work/My Service')
    await symlink(installed, join(project, 'node_modules'))
    const child = spawn(process.execPath, ['--test', '--test-reporter', 'tap'], {
      cwd: project,
      env: { PATH: process.env['PATH'] }
    })
    const ended = new Promise<number | null>(resolve => child.on('close', resolve))
    const [out, code] = await Promise.all([text(child.stdout), ended])
    expect(out).toContain('ok 1 - every history of calls at both versions is answered as the specification says')
    expect(code, out).toBe(0)
  })
})
