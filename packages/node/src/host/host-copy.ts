import { InstarError, invariant } from '@instar/core'
import type { CopiedState, CopyProgress } from '@instar/simulator-runtime/host'
import type { FromHost, ToHost } from './control-messages.js'
import { toError } from './host-conversation.js'

export interface CopyOptions {
  readonly signal: AbortSignal
  readonly onProgress: (progress: CopyProgress) => void
}

interface HostCopy {
  /** @throws InstarError: the host's own, or HostFailed when it ends */
  copy(to: string, options: CopyOptions): Promise<CopiedState>
  /** Takes what is said of a copy; gives whether it was. */
  hear(message: FromHost): boolean
  ended(): void
}

/** The copy of a host's state: asked for and answered beside the conversation, which goes on meanwhile. */
export function createHostCopy(init: {
  /** Whose host it is, for messages. */
  readonly name: string
  readonly send: (message: ToHost) => void
  readonly isAlive: () => boolean
}): HostCopy {
  let underWay: { readonly hear: (message: CopyMessage) => void; readonly ended: () => void } | undefined
  const gone = (): InstarError =>
    new InstarError('HostFailed', `The host of ${init.name} ended while it copied its state.`)

  return {
    async copy(to, { signal, onProgress }) {
      invariant(underWay === undefined, 'a host makes one copy of its state at a time')
      if (!init.isAlive()) throw gone()
      const { promise, resolve, reject } = Promise.withResolvers<CopiedState>()
      underWay = {
        hear: message => {
          if (message.type === 'copying') onProgress(message.progress)
          else if (message.type === 'copied') resolve(message.copied)
          else reject(toError(message))
        },
        ended: () => reject(gone())
      }
      const cancel = (): void => init.send({ type: 'cancelCopy' })
      init.send({ type: 'copyState', to })
      if (signal.aborted) cancel()
      else signal.addEventListener('abort', cancel, { once: true })
      try {
        return await promise
      } finally {
        underWay = undefined
        signal.removeEventListener('abort', cancel)
      }
    },
    hear(message) {
      if (message.type !== 'copying' && message.type !== 'copied' && message.type !== 'copyFailed') return false
      underWay?.hear(message)
      return true
    },
    ended: () => underWay?.ended()
  }
}

type CopyMessage = Extract<FromHost, { type: 'copying' | 'copied' | 'copyFailed' }>
