import fc from 'fast-check'
import { concat, fromString } from 'uint8arrays'
import { expect, test } from 'vitest'
import { crc32c } from '../codec/crc32c.js'
import { decodeJournal, encodeJournalRecord, type JournalRecord } from './record.js'

const records: JournalRecord[] = [
  { seq: 7, format: 1, type: 'introduced', body: { version: 2 } },
  { seq: 8, format: 1, type: 'drain', body: { version: 2, attempt: 1, note: 'ä' } },
  { seq: 9, format: 2, type: 'committed', body: [1, 'two', null] }
]
const encoded = records.map(encodeJournalRecord)
const file = concat(encoded)
const ends = encoded.map((_, i) => concat(encoded.slice(0, i + 1)).length)

test('computes CRC-32C as its published check value says', () => {
  expect(crc32c(fromString('123456789', 'utf8'))).toBe(0xe3069283)
  expect(crc32c(fromString('1234', 'utf8'), fromString('56789', 'utf8'))).toBe(0xe3069283)
})

test('reads back what was written', () => {
  expect(decodeJournal(file)).toEqual({ outcome: 'whole', records, bytes: file.length })
  expect(decodeJournal(new Uint8Array())).toEqual({ outcome: 'whole', records: [], bytes: 0 })
})

test('cuts off a torn last record, wherever it was torn', () => {
  for (let length = 0; length < file.length; length++) {
    const whole = ends.filter(end => end <= length).length
    const start = ends[whole - 1] ?? 0
    expect(decodeJournal(file.subarray(0, length)), `${length} bytes`).toEqual({
      outcome: length === start ? 'whole' : 'torn',
      records: records.slice(0, whole),
      bytes: start
    })
  }
})

test('cuts off a last record whose sectors were never written', () => {
  const zeros = new Uint8Array(700)
  expect(decodeJournal(concat([file, zeros]))).toEqual({ outcome: 'torn', records, bytes: file.length })
  const long = encodeJournalRecord({ seq: 10, format: 1, type: 'snapshot', body: 'x'.repeat(2000) })
  const torn = concat([file, long])
  torn.fill(0, 1024)
  expect(decodeJournal(torn)).toEqual({ outcome: 'torn', records, bytes: file.length })
})

test('names the record in which any byte has changed, and cuts nothing off', () => {
  for (let i = 0; i < file.length; i++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const bytes = Uint8Array.from(file)
      bytes[i] = bytes[i]! ^ flip
      const index = ends.findIndex(end => i < end)
      expect(decodeJournal(bytes), `byte ${i}`).toMatchObject({
        outcome: 'damaged',
        index,
        offset: ends[index - 1] ?? 0
      })
    }
  }
})

test('refuses records that are missing or stand in another order', () => {
  expect(decodeJournal(concat([encoded[0]!, encoded[2]!]))).toMatchObject({ outcome: 'damaged', index: 1 })
  expect(decodeJournal(concat([encoded[1]!, encoded[0]!]))).toMatchObject({ outcome: 'damaged', index: 1 })
})

test('never throws and never reads a record that nobody wrote', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), garbage => {
      const read = decodeJournal(concat([file, garbage]))
      if (read.outcome !== 'damaged') expect(read.records).toEqual(records)
      else expect(read.index).toBe(3)
    })
  )
})
