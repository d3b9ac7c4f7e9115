import { messageOf } from '@instar/core'
import { helpText, parseDemoOptions, type DemoOptions } from './options.js'
import { createDemoRun, type DemoRun } from './run-demo.js'
import { createScreen, type Screen } from './screen.js'
import { demoSettings } from './settings.js'
import { summaryText } from './summary-text.js'

const interruptedExitCode = 130

/** `npm run demo`. Plays the story on the screen, and always ends what it started. */
async function main(options: DemoOptions): Promise<number> {
  const stream = options.json ? process.stderr : process.stdout
  const interrupt = new AbortController()
  let screen: Screen | undefined = undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(interruptedExitCode)
      interrupt.abort(new Error(`interrupted by ${signal}`))
      screen?.close()
      stream.write('\nStopping all peers. Ctrl-C again stops them by force.\n')
    })
  }
  const run = await createDemoRun(demoSettings, interrupt.signal)
  // Whatever ends this process, also a mistake of ours, no peer outlives it.
  process.once('exit', () => run.kill())
  const isLive = stream.isTTY && !options.plain && !options.json
  screen = createScreen({ stream, isLive, frame: () => run.frame(), elapsedMs: () => run.elapsedMs() })
  try {
    return await play(run, screen, options, interrupt.signal)
  } finally {
    screen.close()
    await run.stop()
  }
}

async function play(run: DemoRun, screen: Screen, options: DemoOptions, signal: AbortSignal): Promise<number> {
  const stream = options.json ? process.stderr : process.stdout
  try {
    const summary = await run.play(screen)
    screen.close()
    stream.write(`\n${summaryText(summary, screen.paint)}\n`)
    if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
    if (options.keep) await keepRunning(run, stream, signal)
    return summary.ok ? 0 : 1
  } catch (thrown) {
    if (signal.aborted) return interruptedExitCode
    screen.close()
    stream.write(`\n${screen.paint('red', `The demo failed: ${messageOf(thrown, 4000)}`)}\n`)
    return 1
  }
}

async function keepRunning(run: DemoRun, stream: NodeJS.WriteStream, signal: AbortSignal): Promise<void> {
  const data = `--data ${run.directory}/peer-1`
  stream.write(
    [
      '',
      'The network goes on until Ctrl-C. From another terminal in this folder:',
      `  npx instar status --watch ${data}`,
      `  npx instar why ${data}`,
      `  npx instar call contains 2500 ${data}`,
      `Folders and logs of all peers are in ${run.directory}`,
      ''
    ].join('\n')
  )
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}

function parse(): DemoOptions | string {
  try {
    return parseDemoOptions(process.argv.slice(2))
  } catch (thrown) {
    return messageOf(thrown)
  }
}

const options = parse()
if (typeof options === 'string') {
  process.stderr.write(`${options}\n\n${helpText}`)
  process.exitCode = 2
} else if (options.help) {
  process.stdout.write(helpText)
} else {
  // Calls that wait for peers which are gone must not keep this process.
  process.exit(await main(options))
}
