// npm run fuzz -- [--seconds N] [--decoder <part of a name>] [--seed S] [--iteration I]
//
// Without a seed each run takes another one and prints it. A finding prints how to see it again, and ends with code 1.

import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { fuzz, type Finding } from './fuzz.js'
import { decoders } from './registry.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    decoder: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now()) },
    iteration: { type: 'string' }
  }
})

/** A single input may take so long before the whole run is given up: whatever it does, it does not come back. */
const hangMs = 20_000
const batch = 200
const findingsMax = 20

const chosen = (await decoders()).filter(each => each.name.includes(values.decoder))
if (chosen.length === 0) throw new Error(`no decoder has "${values.decoder}" in its name`)
const watch = startWatch()

console.log(`seed ${values.seed}, ${chosen.length} decoders`)
const endMs = performance.now() + Number(values.seconds) * 1000
const reports = new Map(chosen.map(({ name }) => [name, { inputs: 0, slowestMs: 0 }]))
const findings: Finding[] = []
/** One mistake shows in a thousand inputs; the first is enough. */
const kinds = new Set<string>()
const one = values.iteration === undefined ? undefined : Number(values.iteration)
for (let from = one ?? 0; findings.length < findingsMax; from += batch) {
  for (const decoder of chosen) {
    const to = one === undefined ? from + batch : one + 1
    const onInput = (iteration: number) => watch.at(decoder.name, iteration)
    const report = await fuzz(decoder, { seed: values.seed, from, to, onInput })
    const total = reports.get(decoder.name) ?? { inputs: 0, slowestMs: 0 }
    total.inputs += report.inputs
    total.slowestMs = Math.max(total.slowestMs, report.slowestMs)
    for (const finding of report.findings) {
      const kind = kindOf(finding)
      if (kinds.has(kind)) continue
      kinds.add(kind)
      findings.push(finding)
      tell(finding)
    }
    if (performance.now() > endMs) break
  }
  if (one !== undefined || performance.now() > endMs) break
}
watch.stop()

for (const [name, { inputs, slowestMs }] of reports) {
  console.log(`${String(inputs).padStart(10)} inputs, slowest ${slowestMs.toFixed(0).padStart(4)} ms  ${name}`)
}
const all = [...reports.values()].reduce((sum, { inputs }) => sum + inputs, 0)
console.log(
  `${all} inputs, ${findings.length} findings, peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`
)
process.exitCode = findings.length === 0 ? 0 : 1

function tell({ decoder, seed, iteration, flaw, input }: Finding): void {
  console.log(`FINDING in ${decoder}: ${flaw}`)
  console.log(`  again: npm run fuzz -- --decoder '${decoder}' --seed ${seed} --iteration ${iteration}`)
  console.log(`  input (${input.length} bytes): ${JSON.stringify(Buffer.from(input).toString('latin1').slice(0, 300))}`)
}

/** Where it was thrown, or what was wrong, without the numbers of this input. */
function kindOf({ decoder, flaw }: Finding): string {
  const thrownAt = /\n\s+at .*/.exec(flaw)?.[0]
  return `${decoder} ${thrownAt ?? flaw.replaceAll(/\d+/g, '')}`
}

/** A thread of its own, because the one that hangs cannot say so. */
function startWatch(): { at: (decoder: string, iteration: number) => void; stop: () => void } {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const source = `
    const { workerData: { shared, names, hangMs, seed } } = require('node:worker_threads')
    let [before, sinceMs] = [-1, Date.now()]
    setInterval(() => {
      const now = shared[0] * 1e9 + shared[1]
      if (now !== before) [before, sinceMs] = [now, Date.now()]
      else if (Date.now() - sinceMs > hangMs) {
        const again = "npm run fuzz -- --decoder '" + names[shared[0]] + "' --seed " + seed + ' --iteration ' + shared[1]
        require('node:fs').writeSync(1, 'FINDING: no answer for ' + hangMs + ' ms\\n  again: ' + again + '\\n')
        process.kill(process.pid, 'SIGKILL')
      }
    }, 1000)`
  const names = chosen.map(each => each.name)
  const worker = new Worker(source, { eval: true, workerData: { shared, names, hangMs, seed: values.seed } })
  worker.unref()
  return {
    at(decoder, iteration) {
      shared[0] = names.indexOf(decoder)
      shared[1] = iteration
    },
    stop: () => void worker.terminate()
  }
}
