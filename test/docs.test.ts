// The documentation is held against the code: what is cited resolves, what is listed is complete, what is linked exists.

import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { callErrorCodes, defaultTiming, errorCodes, phases } from '@instar/core'
import { describe, expect, test } from 'vitest'

const root = dirname(import.meta.dirname)
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).sort()
const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'test/**/*.md'], { cwd: root }).sort()
const model = 'docs/model.md'
const protocol = globSync('docs/protocol/*.md', { cwd: root })

/** Anchors that a page has: explicit ones, and those that its headings get. */
function anchorsOf(text: string): ReadonlySet<string> {
  const explicit = [...text.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id]) => id ?? '')
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => slugOf(heading ?? ''))
  return new Set([...explicit, ...headings])
}

/** As GitHub makes them. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

/** `file:line cites X` for each citation in the text that has no anchor. */
function unresolved(file: string, text: string, pattern: RegExp, anchors: ReadonlySet<string>): string[] {
  return text
    .split('\n')
    .flatMap((line, i) =>
      [...line.matchAll(pattern)]
        .filter(([cited]) => !anchors.has(anchorOf(cited)))
        .map(([cited]) => `${file}:${i + 1} cites ${cited}`)
    )
}

/** R12 → r12, P1 → p1, §2 → s2, §2a → s2a, §3.6 → s3-6 */
function anchorOf(cited: string): string {
  return cited.replace('§', 's').replace('.', '-').toLowerCase()
}

function linksOf(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target ?? '')
}

function brokenLinks(page: string, text: string): string[] {
  return linksOf(text)
    .filter(target => !/^[a-z]+:/.test(target))
    .filter(target => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(root, page) : resolve(root, dirname(page), path)
      if (!existsSync(file)) return true
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(readFileSync(file, 'utf8')).has(anchor)
    })
    .map(target => `${page} links to ${target}`)
}

/** The codes in the first column of the table under a heading. */
function codesUnder(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find(each => each.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code ?? '')
}

const rules = /\b[RP]\d+\b/g
const sections = /§\d+(?:[a-z]\b|\.\d+)?/g

describe('citations', () => {
  const ruleAnchors = anchorsOf(read(model))
  const sectionAnchors = new Set(protocol.flatMap(page => [...anchorsOf(read(page))]))

  test('every rule that the code cites stands in the model', () => {
    expect(sources.flatMap(file => unresolved(file, read(file), rules, ruleAnchors))).toEqual([])
  })

  test('every section that the code cites stands in the protocols', () => {
    expect(sources.flatMap(file => unresolved(file, read(file), sections, sectionAnchors))).toEqual([])
  })

  test('every rule and section that a page cites is there', () => {
    const both = new Set([...ruleAnchors, ...sectionAnchors])
    expect(pages.flatMap(page => unresolved(page, read(page), rules, both))).toEqual([])
    expect(pages.flatMap(page => unresolved(page, read(page), sections, both))).toEqual([])
  })

  test('the index of the protocols names all sixteen', () => {
    const index = read('docs/protocol/README.md')
    for (let n = 1; n <= 16; n++) expect(index).toContain(`[§${n}](`)
  })

  test('a citation of something that is not there is found', () => {
    expect(unresolved('a.ts', '/** R19, R99 and §2a, §3.6, §17 */', rules, ruleAnchors)).toEqual(['a.ts:1 cites R99'])
    expect(unresolved('a.ts', 'R99 and §2a, §2z, §3.6, §17', sections, sectionAnchors)).toEqual([
      'a.ts:1 cites §2z',
      'a.ts:1 cites §17'
    ])
  })
})

describe('errors', () => {
  const text = read('docs/errors.md')

  test('every error code is explained, and no other', () => {
    expect(codesUnder(text, 'Error codes').sort()).toEqual([...errorCodes].sort())
  })

  test('every call error code is explained, and no other', () => {
    expect(codesUnder(text, 'Call error codes').sort()).toEqual([...callErrorCodes].sort())
  })
})

describe('lists', () => {
  test('the model names every phase, in order, and no other', () => {
    const [, block = ''] = /<a id="phases">[\s\S]*?```\n([\s\S]*?)```/.exec(read(model)) ?? []
    const words = block.replace('aside:', '').match(/\w+/g)
    expect(words).toEqual([...phases])
  })

  test("the operators' guide explains every waiting time, and no other", () => {
    const section =
      read('docs/guide-operators.md')
        .split(/^#{2,3} /m)
        .find(each => each.startsWith('timing\n')) ?? ''
    const fields = [...section.matchAll(/^\| (`[^|]+)\|/gm)].flatMap(
      ([, cell = '']) => cell.match(/(?<=`)\w+(?=`)/g) ?? []
    )
    expect(fields.sort()).toEqual(Object.keys(defaultTiming).sort())
  })
})

describe('links', () => {
  test('every relative link leads somewhere', () => {
    expect(pages.flatMap(page => brokenLinks(page, read(page)))).toEqual([])
  })

  test('a link to a file or heading that is not there is found', () => {
    const text =
      '[a](nowhere.md) [b](docs/model.md#words) [c](docs/model.md#nothing) [d](https://example.org) `[e](x.md)`'
    expect(brokenLinks('README.md', text)).toEqual([
      'README.md links to nowhere.md',
      'README.md links to docs/model.md#nothing'
    ])
  })
})

describe("the authors' guide", () => {
  const excerpts = [...read('docs/guide-authors.md').matchAll(/^```ts\n\/\/ (packages\/\S+)\n([\s\S]*?)^```/gm)].map(
    ([, path = '', code = '']) => ({ path, code })
  )

  test('shows code that compiles: each excerpt stands in the file that it names', () => {
    expect(excerpts.length).toBeGreaterThan(0)
    for (const { path, code } of excerpts) {
      // An excerpt may leave lines out; each part between the gaps is there word for word.
      for (const part of code.split(/^\s*\/\/ …\n/m)) expect(read(path)).toContain(part.trim())
    }
  })
})

describe("the operators' guide", () => {
  test('explains sentences that peers really say', () => {
    const section =
      read('docs/guide-operators.md')
        .split(/^## /m)
        .find(each => each.startsWith('Problems\n')) ?? ''
    const sentences = [...section.matchAll(/^\| ([^|]+) \|/gm)].map(([, sentence = '']) => sentence).slice(2)
    expect(sentences.length).toBeGreaterThan(8)
    const said = sources.map(read).join('\n').toLowerCase()
    const parts = sentences.flatMap(sentence => sentence.split('…')).map(part => part.trim().toLowerCase())
    expect(parts.filter(part => part.length > 5 && !said.includes(part.replace(/^, or /, '')))).toEqual([])
  })
})
