import { decodeValue, encodeValue, InvalidInput, parseServedContract } from '@instar/simulator-runtime/codec'
import { decodeSend, encodeSend } from '../../../packages/simulator-runtime/dist/host/outbox/send.js'
import type { Decoder } from '../decoder.js'
import { bytesOf } from '../keys.js'

export function runtimeDecoders(): readonly Decoder[] {
  const isInvalid = (thrown: unknown) => thrown instanceof InvalidInput
  const values = [
    [1, -1, 1.5, 2 ** 40, 12345678901234567890n, null, undefined, true, 'text', 'ü'.repeat(40)],
    {
      a: [{ b: new Date(0) }, new Date(1.5e12)],
      bytes: bytesOf('x'),
      'a longer key than fits a fixed one, to be sure': {}
    },
    [[[[[[]]]]]],
    'x'.repeat(300)
  ].map(value => encodeValue(value))
  const contract = {
    className: 'Set',
    version: 2,
    role: 'past',
    methods: [
      { name: 'insert', kind: 'command' },
      { name: 'size', kind: 'query', disallowed: 'it cannot be kept true' }
    ]
  }
  const send = encodeSend({
    session: 's',
    seq: 1,
    at: 5,
    peer: 'p',
    className: 'Set',
    version: 2,
    method: 'insert',
    args: encodeValue([1]),
    hops: 1,
    trail: 'Set.insert'
  })
  return [
    {
      name: 'value',
      covers: ['simulator-runtime:decodeValue'],
      seeds: values,
      decode: decodeValue,
      mayThrow: isInvalid,
      isRead: () => true
    },
    {
      name: 'contract as served',
      covers: ['simulator-runtime:parseServedContract'],
      seeds: [encodeValue(contract)],
      decode: bytes => parseServedContract(decodeValue(bytes)),
      mayThrow: isInvalid
    },
    { name: 'send that waits', covers: ['simulator-runtime:decodeSend'], seeds: [send], decode: decodeSend }
  ]
}
