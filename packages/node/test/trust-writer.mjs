// Hands trust documents to a peer's trust, one after the other, and says which ones were acknowledged, until it is killed: the other
// half of a test of what is trusted after that.
//
//   node trust-writer.mjs <data directory> <file: JSON { network, documents: [base64, …] }>

import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import { openDataDirectory } from '../dist/store/data-directory.js'
import { createTrustService } from '../dist/trust/trust-service.js'

const [, , root, file] = process.argv
const { network, documents } = JSON.parse(await readFile(file, 'utf8'))
const { store, audit } = await openDataDirectory(root)
const log = pino({ level: 'silent' })
const trust = createTrustService({ network, store, audit, log, onFact: () => undefined })
await trust.start()
process.stdout.write('open\n')
for (const [i, document] of documents.entries()) {
  const { verdict, code } = await trust.submit(Buffer.from(document, 'base64'), 'a neighbour')
  if (verdict === 'accept' || code === 'Known') process.stdout.write(`done ${i + 1}\n`)
}
process.stdout.write('all\n')
setInterval(() => undefined, 1000)
