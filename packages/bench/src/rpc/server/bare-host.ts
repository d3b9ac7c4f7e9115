// The host process of the bare path: see `subjects/bare.ts`.

import { Socket } from 'node:net'
import { createChannel, fromSocket } from '@instar/rpc'
import { decodeValue, encodeValue } from '@instar/simulator-runtime/codec'
import { bareChannelLimits, bareDescriptor } from '../subjects/bare-host-socket.js'

const methods: Readonly<Record<string, (...args: unknown[]) => unknown>> = { echo: bytes => bytes }

createChannel({
  transport: fromSocket(new Socket({ fd: bareDescriptor, readable: true, writable: true })),
  limits: bareChannelLimits,
  onCall: async ({ method }, body) => encodeValue(await methods[method]?.(...(decodeValue(body) as unknown[])))
})
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(0))
