// Fills what it may write, says what happened, frees it and goes on: run under a limit of the file size, which fails a write in
// its middle as a full disk does.
//
//   sh -c 'ulimit -f 20; exec node full-disk.mjs <file>'

import { copyFile } from 'node:fs/promises'
import { openJournal } from '../dist/store/journal.js'

const journal = await openJournal(process.argv[2])
let appended = 0
try {
  for (;;) {
    await journal.append([{ type: 'n', body: { n: appended, text: 'x'.repeat(1000) } }])
    appended++
  }
} catch (thrown) {
  await copyFile(process.argv[2], `${process.argv[2]}.copy`)
  const copy = await openJournal(`${process.argv[2]}.copy`)
  const kept = copy.torn ? -1 : copy.records.length
  await copy.close()
  await journal.compact([{ type: 'n', body: { n: 'compacted' } }])
  await journal.append([{ type: 'n', body: { n: 'after' } }])
  process.stdout.write(JSON.stringify({ code: thrown.code, appended, kept }))
}
