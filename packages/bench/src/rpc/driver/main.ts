// The client of one subject, in a process of its own: subjects that shared one would share what its compiler has learned of the others.

import { answerParent } from '../../processes/answer-parent.js'
import type { DriveSample, Load } from '../load.js'
import { connectTo } from '../subjects/connect-to.js'
import type { Target } from '../subjects/target.js'
import { drive, type Echo } from './drive.js'

export type DriverRequest =
  { readonly connect: Target } | { readonly load: Pick<Load, 'bytes' | 'inFlight'>; readonly durationMs: number }

export type DriverResult = DriveSample | null

let echo: Echo | undefined

answerParent<DriverRequest, DriverResult>(async request => {
  if ('connect' in request) {
    echo = await connectTo(request.connect)
    return null
  }
  if (echo === undefined) throw new Error('a load before the connection')
  return drive({ ...request, echo, now: () => performance.now() })
})
