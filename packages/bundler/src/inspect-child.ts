import { pathToFileURL } from 'node:url'
import { messageOf } from '@instar/core'
import { factsOf, type InspectReply } from './module-facts.js'

/** The process that {@link inspectModule} forks: imports one module, answers, ends. */
async function inspect(path: string): Promise<InspectReply> {
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown }
    return { facts: factsOf(module.default) }
  } catch (thrown) {
    return { flaw: messageOf(thrown) }
  }
}

process.on('uncaughtException', thrown => process.send?.({ flaw: messageOf(thrown) }, () => process.exit(1)))
const reply = await inspect(process.argv[2] ?? '')
// The module may have left timers or handles behind: its process ends all the same.
process.send?.(reply, () => process.exit(0))
