import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { certificateBytesMax, InstarError, messageOf } from '@instar/core'
import type { Command } from 'commander'
import { admissionKeysOf } from '../authoring/admission-keys.js'
import { handInWords } from '../authoring/hand-in.js'
import { readTrustState } from '../authoring/read-trust.js'
import { writeAtomically } from '../authoring/write-atomically.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { addPassphraseOption, type PassphraseOptions } from '../options/passphrase.js'
import { createOutput } from '../output/output.js'

export function addCertificateAdd(certificate: Command, io: Io): void {
  const command = certificate
    .command('add')
    .argument('<file>', 'what instar admit --out wrote')
    .summary('hand a certificate to the local peer')
    .description(
      'Hands a certificate to the local peer. Its own it keeps and shows from now on; that of another peer it passes on, now or when the two meet.'
    )
    .addHelpText('after', '\nExample:\n  $ instar certificate add peer.json --data ./one')
    .action(async (file: string, options: PeerOptions) => {
      const bytes = await readCertificateFile(file, io)
      const answer = await withPeer(options, io, async client => client.submitCertificate(bytes))
      const { peer, certificate: taken, outcome } = answer
      createOutput(io, options).result(
        { ...answer },
        () => `It admits ${peer} until ${taken.expires}. ${handInWords(outcome)}`
      )
    })
  addPeerOptions(command)
}

interface SignOptions extends PeerOptions, PassphraseOptions {
  readonly keys: string
}

export function addCertificateSign(certificate: Command, io: Io): void {
  const command = certificate
    .command('sign')
    .argument('<file>', 'a certificate that too few admission keys have signed')
    .summary('add your signature to a certificate')
    .description(
      'Shows whom a certificate admits and adds the signatures of the admission keys in the keystore. Once enough keys have signed, any peer takes it.'
    )
    .requiredOption('--keys <dir>', 'the keystore with an admission key')
    .addHelpText('after', '\nExample:\n  $ instar certificate sign peer.json --keys ./keys')
    .action(async (file: string, options: SignOptions) => {
      const { addSignature, parseCertificate, signatureCount } = await import('@instar/signer')
      const output = createOutput(io, options)
      const before = await readCertificateFile(file, io)
      const trusted = await withPeer(options, io, readTrustState)
      const { signers, ledger } = await admissionKeysOf(options, trusted, io)
      const { network, peer, class: name, groups, serial, expiresMs } = parseCertificate(before, trusted.network)
      output.line(
        `It admits ${peer} as ${name}${groups.length > 0 ? ` in ${groups.join(', ')}` : ''} until ${new Date(expiresMs).toISOString()}.`
      )
      await ledger.record({
        network,
        kind: 'certificate',
        serial,
        peer,
        class: name,
        groups: [...groups],
        expiresMs,
        atMs: io.now()
      })
      let bytes = before
      for (const signer of signers) {
        if (signatureCount(trusted, bytes).signed >= signatureCount(trusted, bytes).threshold) break
        bytes = await addSignature(trusted, bytes, signer)
      }
      await writeAtomically(resolve(io.cwd, file), bytes)
      const { signed, threshold } = signatureCount(trusted, bytes)
      output.result({ peer, serial, signed, threshold }, () =>
        signed >= threshold
          ? `Signed by ${signed} of ${threshold}: any peer takes it: instar certificate add ${file}`
          : `Signed by ${signed} of ${threshold}: pass ${file} on to the next who signs.`
      )
    })
  addPeerOptions(addPassphraseOption(command))
}

async function readCertificateFile(file: string, io: Io): Promise<Uint8Array> {
  const path = resolve(io.cwd, file)
  let bytes: Uint8Array
  try {
    bytes = new Uint8Array(await readFile(path))
  } catch (cause) {
    throw new InstarError('BadInput', `${path} cannot be read: ${messageOf(cause)}.`, { cause })
  }
  if (bytes.byteLength <= certificateBytesMax) return bytes
  throw new InstarError('BadInput', `${path} is larger than any certificate.`)
}
