// Modules written by hand in the form that bundles have: `Counter` is the class, upgrades differ in what goes wrong.

const prelude = `
const any = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } }
const query = { kind: 'query', input: any, output: any }
const command = { kind: 'command', input: any, output: any }
const contract = { name: 'Counter', methods: { add: command, get: query, hang: command, spin: query, die: query, dieOnce: command, ask: query } }
const base = class {
  constructor (ctx) { this.ctx = ctx }
  async get () { return [await this.ctx.state.get('n') ?? 0, VERSION] }
  async add (by) { const n = (await this.ctx.state.get('n') ?? 0) + by; await this.ctx.state.put('n', n); return n }
  hang () { return new Promise(() => {}) }
  ask (peer) { return this.ctx.peer(peer, contract).get() }
  spin () { while (true); }
  die () { setImmediate(() => { throw new Error('died as asked') }); return new Promise(() => {}) }
  async dieOnce (path) {
    const { existsSync, writeFileSync } = await import('node:fs')
    if (!existsSync(path)) { writeFileSync(path, ''); process.exit(3) }
    return this.add(1)
  }
}
const define = VERSION => Object.defineProperty({ instar: 'class', format: 1, contract, implementation: base }, 'version', { value: VERSION })
`
const moduleOf = (version: number, rest: string): string => `const VERSION = ${version}\n${prelude}\n${rest}\n`
const upgradeOf = (transform: string, before = ''): string =>
  moduleOf(
    2,
    `${before}
    export default { instar: 'upgrade', format: 1, from: contract, to: define(2), transform: async ({ oldState, newState, signal }) => {
      for await (const [key, value] of oldState.iterator()) await newState.put(key, value)
      ${transform}
    } }`
  )

/** By name. */
export const hostModules: Readonly<Record<string, string>> = {
  one: moduleOf(1, 'export default define(1)'),
  again: moduleOf(1, 'export default define(1) // the same, in another module'),
  two: upgradeOf(''),
  backSlowly: moduleOf(
    2,
    `export default { instar: 'upgrade', format: 1, from: contract, to: define(2), transform: async () => {},
      reverse: { loses: 'nothing', transform: () => new Promise(resolve => setTimeout(resolve, 300)) } }`
  ),
  throwing: upgradeOf(`throw new Error('cannot do it')`),
  hanging: upgradeOf('await new Promise(() => {})'),
  looping: upgradeOf('while (true);'),
  exiting: upgradeOf('process.exit(5)'),
  importThrows: moduleOf(2, `throw new Error('thrown at import')`),
  importExits: moduleOf(2, `process.exit(7)`),
  importLoops: moduleOf(2, `while (true);`),
  importFloods: moduleOf(2, `const all = []; while (true) all.push(new Array(100_000).fill(all.length))`),
  importConnects: moduleOf(
    2,
    `import { connect } from 'node:net'
    await new Promise((resolve, reject) => connect(9, '127.0.0.1').on('connect', resolve).on('error', reject))
    export default define(2)`
  ),
  importReads: moduleOf(
    2,
    `import { readFileSync } from 'node:fs'
    readFileSync('/etc/hostname')
    export default define(2)`
  ),
  shadowThrows: moduleOf(
    2,
    `class Future extends base { $add () { throw new Error('no shadow today') } $hang () { return [] } $dieOnce () { return [] } }
    export default { instar: 'upgrade', format: 1, from: contract, to: define(2),
      future: { model: 'shadowed', implementation: Future, disallow: {} } }`
  ),
  nothing: 'export default 1'
}
