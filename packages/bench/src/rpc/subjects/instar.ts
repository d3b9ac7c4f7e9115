import { connect } from '@instar/client'
import { bench } from '../../fixtures/contract.js'
import type { Echo } from '../driver/drive.js'
import type { Target } from './target.js'

/** The whole path: client → peer → host → contract → class, and back. */
export async function connectInstar({
  ticket,
  peer,
  method,
  version
}: Extract<Target, { kind: 'instar' }>): Promise<Echo> {
  const client = await connect({ ticket })
  const object = client.object(bench, peer, { version })
  return method === 'echo' ? bytes => object.echo(bytes) : bytes => object.write(bytes)
}
