import type { FromHost, ToHost } from './control-messages.js'

type AsideType = 'stats' | 'kept' | 'settled'
type Answer<Type extends AsideType> = Extract<FromHost, { type: Type }>

interface HostAsides {
  /** Gives the next answer of this type; `undefined` when none comes in time, or the host has ended. */
  ask<Type extends AsideType>(message: ToHost, type: Type, timeoutMs: number): Promise<Answer<Type> | undefined>
  /** Takes an answer; gives whether it was one of these. */
  hear(message: FromHost): boolean
  ended(): void
}

/** Questions that a host answers beside the conversation, whatever else is under way, and that nobody fails for want of an answer to. */
export function createHostAsides(init: {
  readonly send: (message: ToHost) => void
  readonly isAlive: () => boolean
}): HostAsides {
  const waiting = { stats: new Waiting<'stats'>(), kept: new Waiting<'kept'>(), settled: new Waiting<'settled'>() }
  const waitingFor = <Type extends AsideType>(type: Type): Waiting<Type> => waiting[type] as unknown as Waiting<Type>

  return {
    ask(message, type, timeoutMs) {
      if (!init.isAlive()) return Promise.resolve(undefined)
      const answer = waitingFor(type).next(timeoutMs)
      init.send(message)
      return answer
    },
    hear(message) {
      if (message.type !== 'stats' && message.type !== 'kept' && message.type !== 'settled') return false
      waitingFor(message.type).answer(message)
      return true
    },
    ended() {
      for (const each of Object.values(waiting)) each.answer(undefined)
    }
  }
}

/** Those who wait for an answer of one type: the next one is everybody's. */
class Waiting<Type extends AsideType> {
  readonly #all = new Set<(answer: Answer<Type> | undefined) => void>()

  next(timeoutMs: number): Promise<Answer<Type> | undefined> {
    return new Promise(resolve => {
      const heard = (answer: Answer<Type> | undefined): void => {
        clearTimeout(timer)
        this.#all.delete(heard)
        resolve(answer)
      }
      const timer = setTimeout(heard, timeoutMs, undefined)
      this.#all.add(heard)
    })
  }

  answer(answer: Answer<Type> | undefined): void {
    for (const heard of this.#all) heard(answer)
  }
}
