import { accept, certificateBytesMax, parseBoundedJson, reject, type Verdict } from '@instar/core'
import { isObject, type JsonObject } from '../metadata/canonical.js'

/** 16 groups and two lists of 16 signatures fit. */
const limits = { bytesMax: certificateBytesMax, depthMax: 5, itemsMax: 400 }

/** Size, depth and count, then `JSON.parse` (R19: in this order, because nobody has signed for it yet). Never throws. */
export function parseBoundedCertificate(bytes: Uint8Array): Verdict<JsonObject> {
  const json = parseBoundedJson(bytes, limits)
  if (json.verdict !== 'accept') return json
  return isObject(json.value) ? accept(json.value) : reject('NotACertificate', 'not a JSON object')
}
