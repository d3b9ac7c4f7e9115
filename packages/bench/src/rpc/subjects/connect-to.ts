import type { Echo } from '../driver/drive.js'
import { connectBare } from './bare.js'
import { connectChannel } from './channel.js'
import { connectGrpc } from './grpc.js'
import { connectHttp2 } from './http2.js'
import { connectInstar } from './instar.js'
import { connectRaw } from './raw-stream.js'
import type { Target } from './target.js'

export function connectTo(target: Target): Promise<Echo> {
  switch (target.kind) {
    case 'raw':
      return connectRaw(target.address)
    case 'channel':
      return connectChannel(target.address)
    case 'bare':
      return connectBare(target.address)
    case 'http2':
      return connectHttp2(target.address, target.certificate)
    case 'grpc':
      return connectGrpc(target.address, target.certificate)
    case 'instar':
      return connectInstar(target)
  }
}
