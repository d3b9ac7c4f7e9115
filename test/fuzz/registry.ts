// Every way in for bytes that a peer, a file or a person made, with valid inputs to make mutants of. Who adds a reader adds it here: the
// registry's test compares this list with what the packages export.

import type { Decoder } from './decoder.js'
import { coreDecoders } from './decoders/core.js'
import { levelDecoders } from './decoders/level.js'
import { nodeDecoders } from './decoders/node.js'
import { rpcDecoders } from './decoders/rpc.js'
import { runtimeDecoders } from './decoders/runtime.js'
import { signerDecoders } from './decoders/signer.js'
import { makeNetwork } from './network.js'

export async function decoders(): Promise<readonly Decoder[]> {
  const network = await makeNetwork()
  return [
    ...coreDecoders(network),
    ...signerDecoders(network),
    ...rpcDecoders(network),
    ...(await nodeDecoders(network)),
    ...runtimeDecoders(),
    ...(await levelDecoders())
  ]
}
