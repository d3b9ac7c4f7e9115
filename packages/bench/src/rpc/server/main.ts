// The server of one subject that is not Instar, in a process of its own, like a peer.

import { answerParent } from '../../processes/answer-parent.js'
import { serveBare } from '../subjects/bare.js'
import { serveChannel } from '../subjects/channel.js'
import { serveGrpc } from '../subjects/grpc.js'
import { serveHttp2 } from '../subjects/http2.js'
import { serveRaw } from '../subjects/raw-stream.js'
import type { ServedKind, Target } from '../subjects/target.js'

const serve: Readonly<Record<ServedKind, () => Promise<Target>>> = {
  raw: serveRaw,
  channel: serveChannel,
  bare: serveBare,
  grpc: serveGrpc,
  http2: serveHttp2
}

answerParent<ServedKind, Target>(kind => serve[kind]())
