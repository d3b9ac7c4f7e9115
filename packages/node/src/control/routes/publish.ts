import type { Readable } from 'node:stream'
import { InstarError, manifestBytesMax } from '@instar/core'
import { z } from 'zod'
import type { BundleState } from '../peer-control.js'
import { defineRoute, type Route } from '../route.js'

const bundleParams = z.object({ id: z.string().regex(/^[0-9a-f]{64}$/, 'a bundle id is 64 hexadecimal digits') })

/** What an author needs to bring an upgrade into the network through this peer. */
export const publishRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/trust',
    name: 'trustDocuments',
    summary: 'The trust documents and descriptors that this peer holds, as the base of a proposal.',
    answer: 'TrustDocuments',
    handle: async control => {
      const trusted = await control.trustDocuments()
      return { documents: trusted.documents.map(toBase64), descriptors: trusted.descriptors.map(toBase64) }
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/catch-up',
    name: 'catchUp',
    summary: 'Compare with every connected peer now, take over what is missing here, and say what each holds.',
    answer: 'CaughtUp',
    handle: async (control, { signal }) => ({ peers: [...(await control.catchUp(signal))] })
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/documents',
    name: 'submit',
    summary: 'Judge documents as if a neighbour had sent them; what verifies is stored and spread.',
    body: 'Submission',
    answer: 'Verdicts',
    handle: async (control, { body }) => {
      const descriptor = body.descriptor === undefined ? {} : { descriptor: fromBase64(body.descriptor) }
      const verdicts = await control.submit({ documents: body.documents.map(fromBase64), ...descriptor })
      return { verdicts: [...verdicts] }
    }
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/announcements',
    name: 'announcements',
    summary:
      'What this peer says of itself and has heard of others that count, signed as it came, to be carried to another one.',
    answer: 'Announcements',
    handle: async control => {
      const announcements = await control.announcements()
      return { announcements: announcements.map(({ envelope, ageMs }) => ({ envelope: toBase64(envelope), ageMs })) }
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/announcements',
    name: 'hear',
    summary:
      'Judge announcements as if a neighbour had passed them on; those that verify and are newer count from now on.',
    body: 'Announcements',
    answer: 'Verdicts',
    handle: async (control, { body }) => {
      const heard = body.announcements.map(({ envelope, ageMs }) => ({ envelope: fromBase64(envelope), ageMs }))
      return { verdicts: [...(await control.hear(heard))] }
    }
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/bundles/{id}',
    name: 'bundle',
    summary: 'Which files of a bundle are complete and verified here.',
    params: bundleParams,
    answer: 'BundleState',
    handle: async (control, { params }) => toAnswer(await control.bundle(params.id))
  }),
  defineRoute({
    method: 'PUT',
    path: '/v1/bundles/{id}/manifest',
    name: 'putManifest',
    summary: 'Begin or continue the upload of a bundle with its manifest.',
    params: bundleParams,
    body: 'bytes',
    answer: 'BundleState',
    handle: async (control, { params, body }) =>
      toAnswer(await control.putManifest(params.id, await readAll(body, manifestBytesMax)))
  }),
  defineRoute({
    method: 'PUT',
    path: '/v1/bundles/{id}/file',
    name: 'putFile',
    summary: 'One file that the manifest names, verified chunk by chunk while it arrives.',
    params: bundleParams,
    query: z.object({ path: z.string().min(1).max(200) }),
    body: 'bytes',
    answer: 'BundleState',
    handle: async (control, { params, query, body, signal }) =>
      toAnswer(await control.putFile(params.id, query.path, body, signal))
  })
]

function toAnswer(state: BundleState) {
  return { id: state.id, complete: state.complete, missing: [...state.missing] }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

async function readAll(body: Readable, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength
    if (bytes > bytesMax) throw new InstarError('BundleInvalid', `The manifest is larger than ${bytesMax} bytes.`)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}
