import type { Random } from './random.js'

/** JSON as its text has it: values that no `JSON.stringify` would write, and keys that stand there twice. */
type Node = { readonly raw: string } | Node[] | Map<string, Node>

const values = [
  ...[
    'null',
    'true',
    '0',
    '-0',
    '-1',
    '1',
    '1.5',
    '1e3',
    '1e999',
    '9007199254740993',
    '4294967296',
    '-9007199254740991'
  ],
  ...['""', '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"a\\nb"', '"\\u202e"', '"é"', '"e\\u0301"', '"../../etc"'],
  ...['[]', '{}', '[[]]', '{"":{}}', '{"__proto__":{"polluted":true}}', '{"toJSON":1,"length":4294967295}']
]
const keys = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
  '',
  '0',
  'signed',
  'keyid',
  '\u0000',
  '\ud800'
]
const depthMax = 20_000
const manyMax = 3000
/** What is nested deeper is left as it is. */
const nodeDepthMax = 100

/** The text with one thing wrong in its structure; undefined when it is not JSON. */
export function mutateJson(text: string, random: Random): string | undefined {
  const root = parse(text)
  if (root === undefined) return undefined
  const places = placesOf(root)
  const place = random.pick(places)
  const mutation = random.below(10)
  if (mutation === 0) place.set({ raw: nested(random) })
  else if (mutation === 1) place.set({ raw: `"${'x'.repeat(random.pick([65, 300, 5000, 70_000]))}"` })
  else if (mutation === 2) place.set(copyOf(random.pick(places).get()))
  else if (mutation <= 4) changeContainer(place.get(), random)
  else if (mutation === 5) place.set({ raw: numberNear(place.get(), random) })
  else place.set({ raw: random.pick(values) })
  return write(root)
}

function changeContainer(node: Node, random: Random): void {
  const many = 1 + random.below(random.once(4) ? manyMax : 4)
  if (Array.isArray(node)) {
    if (random.once(2)) node.splice(random.below(node.length + 1), 1)
    else for (let i = 0; i < many; i++) node.push(node[0] === undefined ? { raw: String(i) } : copyOf(node[0]))
  } else if (node instanceof Map) {
    if (node.size === 0) node.set('', { raw: '1' })
    const [key, value] = random.pick([...node])
    if (random.once(3)) node.delete(key)
    else if (random.once(2)) node.set(random.pick(keys), copyOf(value))
    // The same key twice: which one counts differs from parser to parser. `\u200b` keeps them apart here, and is not written.
    else if (random.once(2)) node.set(`${key}\u200b`, { raw: random.pick(values) })
    else for (let i = 0; i < many; i++) node.set(`${key}${i}`, copyOf(value))
  }
}

function numberNear(node: Node, random: Random): string {
  const number = node instanceof Map || Array.isArray(node) ? 0 : Number(node.raw)
  return Number.isSafeInteger(number) ? String(number + random.pick([-1, 1, 2, 1000, 2 ** 31])) : '0'
}

function nested(random: Random): string {
  const depth = 1 + random.below(random.once(3) ? depthMax : 80)
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[[],', ']']
  ] as const)
  return `${open.repeat(depth)}1${random.once(4) ? '' : close.repeat(depth)}`
}

interface Place {
  get(): Node
  set(node: Node): void
}

/** Everywhere that a value stands, the whole included. Bounded by what seeds have. */
function placesOf(root: { value: Node }): readonly Place[] {
  const places: Place[] = [{ get: () => root.value, set: node => (root.value = node) }]
  const walk = (node: Node, depth = 0): void => {
    if (places.length > 5000 || depth > nodeDepthMax) return
    if (Array.isArray(node)) {
      node.forEach((child, i) => {
        places.push({ get: () => node[i] ?? { raw: 'null' }, set: other => void node.splice(i, 1, other) })
        walk(child, depth + 1)
      })
    } else if (node instanceof Map) {
      for (const [key, child] of node) {
        places.push({ get: () => node.get(key) ?? { raw: 'null' }, set: other => void node.set(key, other) })
        walk(child, depth + 1)
      }
    }
  }
  walk(root.value)
  return places
}

function parse(text: string): { value: Node } | undefined {
  try {
    return { value: toNode(JSON.parse(text)) }
  } catch {
    // Not JSON, or nested so deep that nothing is left to make worse.
    return undefined
  }
}

function toNode(value: unknown, depth = 0): Node {
  if (depth > nodeDepthMax) return { raw: JSON.stringify(value) }
  if (Array.isArray(value)) return value.map(each => toNode(each, depth + 1))
  if (typeof value !== 'object' || value === null) return { raw: JSON.stringify(value) }
  return new Map(Object.entries(value).map(([key, child]) => [key, toNode(child, depth + 1)]))
}

function copyOf(node: Node): Node {
  if (Array.isArray(node)) return node.map(copyOf)
  return node instanceof Map ? new Map([...node].map(([key, child]) => [key, copyOf(child)])) : node
}

function write({ value }: { value: Node }): string {
  return writeNode(value)
}

function writeNode(node: Node): string {
  if (Array.isArray(node)) return `[${node.map(writeNode).join(',')}]`
  if (!(node instanceof Map)) return node.raw
  return `{${[...node].map(([key, child]) => `${JSON.stringify(key.replaceAll('\u200b', ''))}:${writeNode(child)}`).join(',')}}`
}
