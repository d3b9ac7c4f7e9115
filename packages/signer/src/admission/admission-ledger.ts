import { InstarError } from '@instar/core'
import { z } from 'zod'
import { appendLines, parseLines, readLineFile } from '../keys/line-file.js'

const issuedSchema = z.strictObject({
  format: z.literal(1),
  network: z.string(),
  kind: z.enum(['certificate', 'invitation']),
  serial: z.string(),
  /** Of a certificate. */
  peer: z.string().optional(),
  class: z.string(),
  groups: z.array(z.string()),
  expiresMs: z.int(),
  atMs: z.int()
})

/** A certificate or an invitation that was signed with keys of this keystore. */
export type Issued = Readonly<Omit<z.infer<typeof issuedSchema>, 'format'>>

/** What the admission keys of a keystore have signed: who is to be revoked is found here, also when nobody has seen its certificate. */
export interface AdmissionLedger {
  /** Durable before it returns: call it before the signature leaves the tool. */
  record(issued: Issued): Promise<void>
  /** Oldest first, of one network. @throws InstarError BadInput when the file is damaged */
  issued(network: string): Promise<readonly Issued[]>
}

/** Opens an append-only file, one JSON object a line, made (mode 0600) when it does not exist. */
export function openAdmissionLedger(file: string): AdmissionLedger {
  const read = (text: string): readonly Issued[] =>
    parseLines(
      text,
      json => issuedSchema.parse(json),
      line =>
        new InstarError(
          'BadInput',
          `Line ${line} of ${file} is damaged: restore the file from a copy. Without it nobody knows all that was issued, and what to revoke.`,
          { detail: { path: file, line } }
        )
    )
  return {
    async record(issued) {
      const text = await readLineFile(file)
      read(text)
      await appendLines(file, text, [{ format: 1, ...issued }])
    },
    async issued(network) {
      return read(await readLineFile(file)).filter(each => each.network === network)
    }
  }
}
