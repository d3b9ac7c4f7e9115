// Writes without end and says what is durable, until it is killed: the other half of a test of the store.
//
//   node store-writer.mjs <data directory>

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { openDataDirectory } from '../dist/store/data-directory.js'
import { openJournal } from '../dist/store/journal.js'

const root = process.argv[2]
const directory = await openDataDirectory(root)
const journal = await openJournal(join(root, 'journal'))
process.stdout.write(`epoch ${directory.bootEpoch}\n`)

for (let round = journal.records.at(-1)?.body.round ?? 0; ;) {
  round++
  const texts = [1, 2, 3].map(i => `document ${i} of round ${round} ${'x'.repeat(2000)}`)
  await directory.store.writeTrust({ documents: ['root', ...texts].map(toDocument), version: round, chainId: 'id' })
  const record = { type: 'round', body: { round } }
  if (round % 20 === 0) await journal.compact([record])
  else await journal.append([record])
  process.stdout.write(`done ${round}\n`)
}

function toDocument(text) {
  const bytes = Buffer.from(text)
  return { hash: createHash('sha256').update(bytes).digest('hex'), role: 'targets', version: 1, bytes }
}
