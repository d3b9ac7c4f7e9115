import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CallError } from '@instar/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startFakePeer, type FakePeer } from './fake-peer.js'
import { instar, instarOn, objectsOf, startInstar } from './instar.js'

let folder: string
let peer: FakePeer

// Commands look for `.instar` in their folder.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-cli-'))
  await mkdir(join(folder, '.instar'))
  peer = await startFakePeer(join(folder, '.instar'))
})
afterAll(async () => {
  await peer.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  peer.asked.length = 0
  peer.callFailure = undefined
})

describe('looking at a running peer', () => {
  it('status shows versions with phases and reasons, peers, and problems', async () => {
    const { code, out } = await instar(folder, 'status')
    expect(code).toBe(0)
    expect(out).toContain('outbox   2 calls wait, 7 delivered, 0 refused, 1 given up')
    expect(out).toMatch(/v2 +Colours +waiting \(held\) +\d s +waits for …other/)
    expect(out).toMatch(/…BBBother +int-set +v1/)
    expect(out).toContain('v2 transforming')
    expect(out).toContain('! The disk is nearly full.')
    expect(out).not.toContain('\u001b')
  })

  it('status --json is one object on one line', async () => {
    const { out } = await instar(folder, 'status', '--json')
    expect(objectsOf(out)).toMatchObject([{ class: 'int-set', newest: 2 }])
  })

  it('status --watch tells events as they happen and ends with the peer', async () => {
    const child = startInstar(folder, ['status', '--watch', '--json'])
    const types: unknown[] = []
    for await (const line of createInterface({ input: child.stdout! })) {
      types.push((JSON.parse(line) as { type: unknown }).type)
      if (types.length === 1)
        peer.emit({ type: 'phase', at: '2026-01-01T00:00:00.000Z', version: 2, phase: 'draining' })
      if (types.length === 3) break
    }
    expect(types).toEqual(['status', 'phase', 'status'])
    child.kill()
  })

  it('why names gate, rule and peers, and takes the end of a peer id', async () => {
    const { out } = await instar(folder, 'why')
    expect(out).toContain('v2 is served by a future simulation object (shadowed)')
    expect(out).toContain('way back: NONE: once a peer has upgraded it stays')
    expect(out).toMatch(/schedule closed One peer upgrades at a time\. \[R16\] Waits for …/)
    expect(out).toMatch(
      /went wrong here:\n {2}Set v2 \(future simulation object\), paint: OutOfContract 3 times, last \d+ s ago: It threw\.\n/
    )
    expect((await instar(folder, 'why', 'other', '--json')).out).toContain('"self":false')
    const unknown = await instar(folder, 'why', 'nobody')
    expect(unknown).toMatchObject({ code: 2, out: '' })
    expect(unknown.err).toMatch(/^instar: nobody is no peer that is known here; .*\n$/)
  })

  it('ticket, log and upgrade status print what the peer says', async () => {
    expect((await instar(folder, 'ticket')).out).toMatch(/^instar1[1-9A-HJ-NP-Za-km-z]+\n$/)
    expect((await instar(folder, 'log', '-n', '7')).out).toBe('7 lines were asked for\n')
    expect((await instar(folder, 'upgrade', 'status')).out).toMatch(/^v2 Colours: 0 of 2 peers run it/)
    expect((await instar(folder, 'upgrade', 'status', '9')).code).toBe(1)
  })
})

describe('deciding at a running peer', () => {
  it.each([
    [['upgrade', 'approve', '2'], ['approve 2']],
    [['upgrade', 'go-now', '2'], ['approve 2 now']],
    [['upgrade', 'approve', 'v2', '--dry-run'], []],
    [['upgrade', 'hold'], ['hold all']],
    [['upgrade', 'hold', '2'], ['hold 2']],
    [['upgrade', 'resume', 'all'], ['resume all']],
    [['peer', 'unpark'], ['unpark']],
    [['gc'], ['gc']],
    [['policy', 'set', 'hold', 'on'], ['policy {"set":{"hold":true}}']],
    [['policy', 'set', 'highest-version', 'none'], ['policy {"set":{"highestVersion":null}}']],
    [
      ['policy', 'set', 'old-states', '2d', '1.5GiB'],
      ['policy {"set":{"oldStates":{"keepMs":172800000,"bytesMax":1610612736}}}']
    ],
    [
      ['policy', 'set', 'windows', 'sat-mon 22:00-06:00 Europe/Berlin', 'wed 01:00-02:00'],
      [
        'policy {"set":{"windows":[{"days":["sat","sun","mon"],"from":"22:00","to":"06:00","zone":"Europe/Berlin"},{"days":["wed"],"from":"01:00","to":"02:00","zone":"UTC"}]}}'
      ]
    ],
    [['policy', 'unset', 'windows', 'go-now'], ['policy {"unset":["windows","goNow"]}']],
    [['policy', 'set', 'hold', 'on', '--dry-run'], []],
    [['upgrade', 'back', '2'], ['goBack 2']],
    [['peer', 'stop'], ['stop']]
  ])('instar %j asks for %j', async (args, asked) => {
    expect(await instar(folder, ...args)).toMatchObject({ code: 0, err: '' })
    expect(peer.asked).toEqual(asked)
  })
})

it('status --check exits with 1 while something needs a person', async () => {
  peer.changes.problems = []
  expect(await instar(folder, 'status', '--check')).toMatchObject({ code: 0, err: '' })
  peer.changes.problems = ['The disk is nearly full.']
  const ran = await instar(folder, 'status', '--check')
  expect(ran).toMatchObject({ code: 1, err: 'instar: 1 problem needs a person. (Unwell)\n' })
  expect(ran.out).toContain('! The disk is nearly full.')
})

it('policy show says of every rule what holds and where that comes from', async () => {
  const { out } = await instar(folder, 'policy', 'show')
  expect(out).toMatch(/^windows +sat 22:00-06:00 Europe\/Berlin +config\.json$/m)
  expect(out).toMatch(/^highest-version +none +said here$/m)
  expect(out).toMatch(/^old-states +kept for 7 d, up to 11 GB +the default$/m)
})

describe('gc', () => {
  it('says what would be removed and what is kept, and why', async () => {
    const { code, out } = await instar(folder, 'gc', '--dry-run')
    expect(code).toBe(0)
    expect(out).toBe(
      'Would remove 2.1 kB:\n  bundle cccccccccccc…, 2.1 kB: no version names it\nKept:\n  2 bundles, 3.0 kB: everything from version 1 on stays: this peer runs version 1\n'
    )
  })

  it('says so where there is nothing to remove, and fails where something could not be', async () => {
    expect((await instar(folder, 'gc')).out).toMatch(/^There is nothing to remove\.\nKept:/)
    peer.stuck.push({ kind: 'file', name: 'scratch/copy-1', bytes: 5, because: 'EBUSY' })
    const { code, out, err } = await instar(folder, 'gc')
    peer.stuck.length = 0
    expect(code).toBe(1)
    expect(out).toMatch(/^Could not be removed:\n {2}scratch\/copy-1, 5 bytes: EBUSY/)
    expect(err).toContain('One thing that nothing needs could not be removed')
  })
})

describe('calling', () => {
  it('call --describe shows the methods of a version at a peer, and which are disallowed', async () => {
    const { out } = await instar(folder, 'call', '--describe', '--at-version', '1')
    expect(out).toMatch(/^Set v1 at …\S+, served by a past simulation object\n/)
    expect(out).toMatch(/\ncontains +query *\n/)
    expect(out).toMatch(/\nsize +query +disallowed: nobody counts here\n/)
    const one = await instar(folder, 'call', 'size', '--describe', '--json')
    expect(JSON.parse(one.out)).toMatchObject({ methods: [{ name: 'size', disallowed: 'nobody counts here' }] })
    expect(await instar(folder, 'call')).toMatchObject({ code: 2, out: '' })
  })

  it('takes arguments as JSON, else as text, and prints the result', async () => {
    const { out } = await instar(folder, 'call', 'put', '7', 'red', '{"a":[1]}', '--peer', 'other', '--at-version', '2')
    expect(out).toContain("{ echo: [ 7, 'red', { a: [ 1 ] } ] }")
    expect(peer.asked).toEqual(['call ["put",[7,"red",{"a":[1]}],"other",null,2]'])
  })

  it.each([
    [new CallError('Disallowed', { message: 'No colours here.' }), 4],
    [new CallError('InvalidInput', { message: 'Not a number.' }), 2],
    [new CallError('DeadlineExceeded', { message: 'Too late.', executed: 'unknown' }), 3],
    [new CallError('Failed', { message: 'The object failed.' }), 1]
  ])('%s is one sentence and exit code %i', async (failure, code) => {
    peer.callFailure = failure
    expect(await instar(folder, 'call', 'x')).toEqual({
      code,
      out: '',
      err: `instar: ${failure.message} (${failure.code})\n`
    })
    const { out } = await instar(folder, 'call', 'x', '--json')
    expect(objectsOf(out)).toMatchObject([
      { error: { code: failure.code, detail: { executed: failure.detail.executed } } }
    ])
  })
})

describe('what is wrong with a command line', () => {
  it.each([
    [['stats'], /unknown command 'stats'\n\(Did you mean status\?\)/],
    [['upgrade', 'approve'], /missing required argument 'version'/],
    [['upgrade', 'approve', 'two'], /A version is a positive whole number\./],
    [['upgrade', 'hold', 'two'], /Name a version .* or all\./],
    [['policy', 'set', 'holds', 'on'], /There is no rule holds: it is one of hold, approve,/],
    [['policy', 'set', 'windows', 'mun 1-2'], /"mun 1-2" is no value of windows: say one or more like/],
    [['policy', 'set', 'hold', 'maybe'], /is no value of hold: say on \| off\./],
    [['status', '--timeout', '5'], /A duration looks like 500ms/],
    [['network', 'create'], /required option '--class/],
    [['upgrade', 'build', 'x.ts', '--title', 't', '--schedule', 'rolling'], /A schedule is eager/],
    [['upgrade', 'build', 'x.ts', '--title', 't', '--deadline', 'soon'], /A moment looks like 7d/],
    [['keys', 'list', '--keys', './none'], /none/],
    [['join', 'nonsense', '--class', 'int-set'], /ticket/i]
  ])('instar %j', async (args, sentence) => {
    const ran = await instar(folder, ...args)
    expect(ran.err).toMatch(sentence)
    expect(ran.err).not.toMatch(/^ +at /m)
    expect(ran.out).toBe('')
    expect(ran.code).toBe(args[0] === 'keys' ? 1 : 2)
  })
})

describe('no peer', () => {
  it('is one sentence that says how to start one, and exit code 3', async () => {
    const { code, err } = await instar(folder, 'status', '--data', './elsewhere')
    expect(code).toBe(3)
    expect(err).toMatch(/^instar: No peer runs in .*elsewhere: start it with instar peer start .*\n$/)
  })
})

describe('starting a peer', () => {
  it('does not make a data directory of a mistyped folder', async () => {
    const { code, err } = await instar(folder, 'peer', 'start', '--data', './mistyped')
    expect(code).toBe(2)
    expect(err).toMatch(/mistyped holds no peer yet: join a network .* or make one with instar network create\./)
    expect(await readdir(folder)).toEqual(['.instar'])
  })

  it('needs a Node that is new enough, and says which', async () => {
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })`
    await writeFile(join(folder, 'older.cjs'), older)
    const { code, err } = await instarOn(['--require', './older.cjs'], folder, 'status')
    await rm(join(folder, 'older.cjs'))
    expect({ code, err }).toEqual({
      code: 1,
      err: 'instar needs Node.js 22.22.2 or newer; this is 20.19.0.\n'
    })
  })
})
