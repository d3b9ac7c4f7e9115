import { describe, expect, it } from 'vitest'
import { commandsOf, helpOf, pathOf, toDocsPage } from '../src/docs-page.js'
import type { Io } from '../src/io.js'
import { createProgram } from '../src/program.js'

const nowhere: Io = {
  out: () => {},
  err: () => {},
  env: {},
  cwd: '/',
  isTerminal: false,
  hasColours: false,
  now: () => 0,
  ask: async () => 'no',
  canAsk: false,
  askSecret: async () => '',
  onInterrupt: () => () => {},
  exit: () => {}
}
const commands = commandsOf(createProgram(nowhere))

describe('help', () => {
  it.each(commands.map(command => [pathOf(command), command] as const))('%s', async (path, command) => {
    await expect(helpOf(command)).toMatchFileSnapshot(`help/${path.replaceAll(' ', '-')}.txt`)
  })

  it('of every command that does something has an example', () => {
    for (const command of commands.filter(each => each.commands.length === 0))
      expect(helpOf(command), pathOf(command)).toMatch(/Examples?:\n {2}\$ instar /)
  })
})

it('docs/cli.md is what the program says', async () => {
  await expect(toDocsPage(createProgram(nowhere))).toMatchFileSnapshot('../../../docs/cli.md')
})
