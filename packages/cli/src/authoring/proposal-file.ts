import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InstarError, messageOf } from '@instar/core'
import type { Proposal } from '@instar/signer'
import { writeAtomically } from './write-atomically.js'

/** @throws InstarError `BadInput` when the file cannot be read or is no proposal */
export async function readProposal(path: string): Promise<Proposal> {
  const { parseProposal } = await import('@instar/signer')
  const bytes = await readFile(path).catch((cause: unknown) => {
    const isFolder = (cause as NodeJS.ErrnoException).code === 'EISDIR'
    const message = isFolder
      ? `${path} is a folder: name the proposal in it, ${join(path, 'proposal.json')}.`
      : `The proposal ${path} cannot be read: ${messageOf(cause)}.`
    throw new InstarError('BadInput', message, { cause })
  })
  return parseProposal(bytes)
}

export async function writeProposal(path: string, proposal: Proposal): Promise<void> {
  const { encodeProposal } = await import('@instar/signer')
  await writeAtomically(path, encodeProposal(proposal))
}
