import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../property-budget.js'
import type { Decoder } from './decoder.js'
import { driven } from './driven-elsewhere.js'
import { fuzz, isValid } from './fuzz.js'
import { decoders } from './registry.js'

const all = await decoders()
/** The same inputs in each run of the main job; `npm run fuzz` takes other ones each time. */
const init = { seed: 'main job', from: 0 }

describe.each(all.map(decoder => [decoder.name, decoder] as const))('the decoder of a %s', (_, decoder) => {
  it('reads its seeds', async () => {
    const read = await Promise.all(decoder.seeds.map(seed => isValid(decoder, seed)))
    expect(read).toEqual(read.map(() => true))
  })

  it('answers every mutant, in bounded time and memory', async () => {
    const to = propertyRuns(decoder.isSlow === true ? 15 : 60)
    const { findings, inputs } = await fuzz(decoder, { ...init, to })
    expect(findings.map(({ iteration, flaw }) => `--seed '${init.seed}' --iteration ${iteration}: ${flaw}`)).toEqual([])
    expect(inputs).toBeGreaterThan(to / 3)
  })
})

describe('the registry', () => {
  const packages = ['core', 'signer', 'rpc', 'node', 'simulator-runtime', 'client']
  const reader =
    /export (?:async )?function\*? ((?:parse|read|decode|open|judge)[A-Z]\w*|create\w*(?:Decoder|Inspector))[(<]/g
  const exported = packages.flatMap(name =>
    sourcesOf(fileURLToPath(new URL(`../../packages/${name}/src`, import.meta.url))).flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(reader)].map(([, reads = '']) => `${name}:${reads}`)
    )
  )
  const covered = all.flatMap(each => each.covers)

  it('drives every function that reads what somebody else wrote; add a new one to test/fuzz/decoders, or say in driven-elsewhere.ts why not', () => {
    expect(exported.length).toBeGreaterThan(50)
    expect(exported.filter(each => !covered.includes(each) && !Object.hasOwn(driven, each))).toEqual([])
  })

  it('names nothing that is gone', () => {
    expect([...covered, ...Object.keys(driven)].filter(each => !exported.includes(each))).toEqual([])
  })

  it('has each name once', () => {
    expect(new Set(all.map(each => each.name)).size).toBe(all.length)
  })
})

describe('the fuzzer finds', () => {
  const seeds = [Buffer.from(JSON.stringify({ list: [1, 2, 3], name: 'a name' }))]
  const flawed = (decode: Decoder['decode']): Decoder => ({ name: 'canary', covers: [], seeds, decode })
  const flawsOf = async (decode: Decoder['decode']) => {
    const { findings } = await fuzz(flawed(decode), { seed: 'canary', from: 0, to: 150 })
    return findings.map(each => each.flaw)
  }
  const parse = (bytes: Uint8Array): { list: number[]; name: string } | undefined => {
    try {
      return JSON.parse(Buffer.from(bytes).toString()) as never
    } catch {
      return undefined
    }
  }

  it.each([
    ['a decoder that throws', (bytes: Uint8Array) => parse(bytes)?.list.length, 'it threw TypeError'],
    ['one that believes a length', (bytes: Uint8Array) => new Uint8Array((bytes[0] ?? 0) * 1000), 'out of'],
    ['one that changes what it was given', (bytes: Uint8Array) => void bytes.fill(0), 'it changed the bytes'],
    [
      'one that looks past its bytes',
      ({ buffer, byteOffset, byteLength }: Uint8Array) => {
        if (new Uint8Array(buffer)[byteOffset + byteLength] === 0xff) throw new Error('past the end')
      },
      'past the end'
    ]
  ])('%s', async (_, decode, flaw) => expect((await flawsOf(decode)).join('\n')).toContain(flaw))

  it('nothing in one that is right, and the same inputs for the same seed', async () => {
    const heard: string[] = []
    const listen = (bytes: Uint8Array) => void heard.push(Buffer.from(bytes).toString('hex'))
    expect(await flawsOf(listen)).toEqual([])
    const first = heard.splice(0)
    await flawsOf(listen)
    expect(heard).toEqual(first)
    expect(new Set(first).size).toBeGreaterThan(first.length / 2)
  })
})

function sourcesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map(name => join(folder, name))
}
