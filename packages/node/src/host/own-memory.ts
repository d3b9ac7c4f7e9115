import { readFileSync } from 'node:fs'

/** Where Linux says of what the memory of the process that reads it consists. */
export const memoryReport = '/proc/self/status'

/**
 * Bytes that this process takes from others. Pages of files that it has mapped are not among them where the system tells them apart: LevelDB
 * maps every table that it reads, and the system takes such pages back whenever it wants them. A host with a state of some gigabytes is no glutton.
 */
export function ownMemory(): number {
  try {
    const report = readFileSync(memoryReport, 'latin1')
    const [anonymous, shared] = [/^RssAnon:\s+(\d+) kB/m, /^RssShmem:\s+(\d+) kB/m].map(each => each.exec(report)?.[1])
    if (anonymous !== undefined) return (Number(anonymous) + Number(shared ?? 0)) * 1024
  } catch {
    // Not Linux, or a kernel that does not say so.
  }
  return process.memoryUsage.rss()
}
