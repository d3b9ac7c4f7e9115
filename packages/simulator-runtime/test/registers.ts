import { z } from 'zod'
import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ClassDefinition,
  type Contract,
  type ObjectContext,
  type SimulationContext,
  type SimulationDefinition,
  type UpgradeDefinition
} from '../src/index.js'

/**
 * A register in any number of versions: version n has the command `putN`. Its simulation objects write down what they were told, and a key
 * such as `throw@4` makes the shadow of version 4 do that.
 */
export function registers(count: number, models: Partial<Record<number, Models>> = {}): Versions {
  const upgrades: UpgradeDefinition[] = []
  for (let version = 2; version <= count; version++) {
    const { future = 'shadowed', past = 'shadowed' } = models[version] ?? {}
    const upgrade = {
      from: contractOf(version - 1),
      to: defineClass(contractOf(version), objectClass(version) as never),
      future: simulation(version, version - 1, future),
      past: simulation(version - 1, version, past)
    }
    upgrades.push(defineUpgrade(upgrade as never))
  }
  return [defineClass(contractOf(1), objectClass(1) as never), ...upgrades]
}

export type Versions = readonly [ClassDefinition, ...UpgradeDefinition[]]
interface Models {
  readonly future?: SimulationDefinition['model']
  readonly past?: SimulationDefinition['model']
}

const contracts = new Map<number, Contract>()
function contractOf(version: number): Contract {
  const known = contracts.get(version)
  if (known !== undefined) return known
  const made = defineContract('Register', {
    [`put${version}`]: command(z.tuple([z.string(), z.array(z.int())]), z.array(z.int())),
    [`putTwice${version}`]: command(z.tuple([z.string(), z.array(z.int())]), z.void()),
    get: query(z.tuple([z.string()]), z.array(z.int()).optional()),
    told: query(z.tuple([]), z.array(z.string())),
    keys: query(z.tuple([]), z.array(z.string()))
  })
  contracts.set(version, made)
  return made
}

/** What hangs until a test lets it go. */
export const hanging: {
  release: () => void
  write: Promise<unknown> | undefined
  view: Promise<unknown> | undefined
} = { release: () => undefined, write: undefined, view: undefined }

function objectClass(version: number): new (ctx: ObjectContext) => object {
  class Register {
    constructor(readonly ctx: ObjectContext) {}
    get(key: string): Promise<number[] | undefined> {
      return this.ctx.state.sublevel<string, number[]>('r').get(key)
    }
    keys(): Promise<string[]> {
      return this.ctx.state.sublevel('r').keys().all()
    }
    told(): string[] {
      return []
    }
  }
  method(Register, `put${version}`, async function (this: Register, key: string, value: number[]) {
    if (key === 'refused') throw new Error('refused by the object')
    const before = (await this.get(key)) ?? []
    await this.ctx.state.sublevel<string, number[]>('r').put(key, value)
    return before
  })
  method(Register, `putTwice${version}`, async function (this: Register, key: string, value: number[]) {
    const r = this.ctx.state.sublevel<string, number[]>('r')
    await r.put(`${key}a`, value)
    await r.put(`${key}b`, value)
  })
  return Register
}

function simulation(version: number, toward: number, model: SimulationDefinition['model']) {
  const calls = callsOf(contractOf(version)) as unknown as Record<string, (...args: unknown[]) => Answering>
  type Delegate = Record<string, (...args: unknown[]) => Promise<unknown>>
  class Simulation {
    constructor(readonly ctx: SimulationContext<Contract>) {}
    get(key: string): Promise<unknown> {
      return this.delegate['get']?.(key) as Promise<unknown>
    }
    keys(): Promise<unknown> {
      return this.delegate['keys']?.() as Promise<unknown>
    }
    async told(): Promise<string[]> {
      return (await this.ctx.state.get<string, string[]>('told')) ?? []
    }
    get delegate(): Delegate {
      return this.ctx.delegate
    }
    async note(line: string): Promise<void> {
      await this.ctx.state.put('told', [...(await this.told()), line])
    }
  }
  method(Simulation, `put${version}`, async function (this: Simulation, key: string, value: number[]) {
    await this.note(`own ${key}`)
    const answer = await this.delegate[`put${toward}`]?.(key, value)
    if (version === 4 && key.endsWith('!b')) throw new Error('fails after its delegate has done it')
    return answer
  })
  method(Simulation, `putTwice${version}`, async function (this: Simulation, key: string, value: number[]) {
    await this.delegate[`put${toward}`]?.(`${key}a`, value)
    await this.delegate[`put${toward}`]?.(`${key}b`, value).catch(() => undefined)
  })
  const told = async function (this: Simulation, call: ShadowedCall): Promise<unknown> {
    const [key, value] = call.args
    const [wish = '', where] = key.split('@')
    const [was, is] = [await call.before['get']?.(key), await call.after['get']?.(key)]
    const keys = [await call.before['keys']?.(), await call.after['keys']?.()]
    await this.note(`${key} ${JSON.stringify(was ?? null)} → ${JSON.stringify(is)} ${JSON.stringify(keys)}`)
    const mine = where !== undefined && Number(where) === version
    if (mine && wish === 'throw') throw new Error('a shadow that throws')
    if (mine && wish === 'hang') {
      await new Promise<void>(resolve => (hanging.release = resolve))
      // Both a view that is asked for too late, and a write.
      hanging.view = Promise.resolve()
        .then(() => call.after['get']?.(key))
        .catch((error: unknown) => error)
      hanging.write = this.note('late')
      await hanging.write
    }
    if (mine && wish === 'change') (call.result as number[]).push(666)
    if (mine && wish === 'command') await this.delegate[`put${toward}`]?.(key, value)
    if (mine && wish === 'viewed') await call.after[`put${toward}`]?.(key, value)
    if (mine && wish === 'nothing') return undefined
    if (mine && wish === 'wrong') return [calls[`put${version}`]?.(key, 'text').answering([])]
    if (mine && wish === 'opaque') return 'opaque'
    return [calls[`put${version}`]?.(key, value).answering(call.result)]
  }
  method(Simulation, `$put${toward}`, told)
  method(Simulation, `$putTwice${toward}`, async function (this: Simulation, call: ShadowedCall) {
    await this.note(
      `twice ${call.args[0]} ${JSON.stringify([await call.before['keys']?.(), await call.after['keys']?.()])}`
    )
    return [calls[`putTwice${version}`]?.(...call.args)]
  })
  class Instead {
    constructor(readonly ctx: SimulationContext<Contract>) {}
    get delegate(): Delegate {
      return this.ctx.delegate
    }
    async get(key: string): Promise<unknown> {
      if (key === 'badQuery') throw new Error('an interceptor that throws in a query')
      return this.delegate['get']?.(key)
    }
    keys(): Promise<unknown> {
      return this.delegate['keys']?.() as Promise<unknown>
    }
    told(): string[] {
      return ['intercepted']
    }
  }
  method(Instead, `put${toward}`, async function (this: Instead, key: string, value: number[]) {
    await this.ctx.state.put('told', [`instead ${key}`])
    const result = await this.delegate[`put${toward}`]?.(key, value)
    if (key === 'throw') throw new Error('an interceptor that throws')
    if (key === 'wrong') return 'text'
    if (key === 'hang') await new Promise<void>(resolve => (hanging.release = resolve))
    return result
  })
  method(Instead, `putTwice${toward}`, function (this: Instead, key: string, value: number[]) {
    return this.delegate[`putTwice${toward}`]?.(key, value)
  })
  return { model, implementation: Simulation, ...(model === 'interceptor' ? { instead: Instead } : {}) }
}

interface Answering {
  answering(result: unknown): unknown
}
interface ShadowedCall {
  readonly args: [string, number[]]
  readonly result: unknown
  readonly before: Record<string, (...args: unknown[]) => Promise<unknown>>
  readonly after: Record<string, (...args: unknown[]) => Promise<unknown>>
}

function method<T extends object>(
  of: new (...args: never[]) => T,
  name: string,
  value: (this: T, ...args: never[]) => unknown
) {
  Object.defineProperty(of.prototype, name, { value })
}
