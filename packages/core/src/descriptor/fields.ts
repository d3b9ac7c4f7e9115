import { z } from 'zod'

/** Fields that several signed documents share. */
export const hexDigest = z.string().regex(/^[0-9a-f]{64}$/)
export const chainIdPrefix = z.string().regex(/^[0-9a-f]{16}$/)
export const className = z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/)
export const versionNumber = z.int().min(1).max(1_000_000)
export const isoTime = z.iso.datetime()
export const groupName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
export const peerIdText = z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{32,128}$/)
