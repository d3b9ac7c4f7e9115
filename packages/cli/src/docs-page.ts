import type { Command } from 'commander'
import { exitCodes } from './exit-code.js'

/** docs/cli.md, written from the tree of commands, so that it says what they do. */
export function toDocsPage(program: Command): string {
  const sections = commandsOf(program)
    // One with others below it is shown too where it does something itself.
    .filter(({ commands, parent, options }) => commands.length === 0 || (parent !== null && options.length > 0))
    .map(command => section(command))
  return [
    '# The instar command',
    '',
    'Written from the program itself (`node scripts/write-cli-docs.mjs`); a test compares the two.',
    '',
    ...[
      'People get tables; with `--json` programs get one JSON object per line, failures included: `{"error":{"code","message","detail"}}`.',
      'Commands that talk to a running peer find it by `--data`, else by the environment variable `INSTAR_DATA`, else in `.instar` in the current folder.',
      'Colours appear on terminals only and obey `NO_COLOR`. Durations are written `500ms`, `10s`, `5m`, `2h`, `7d`.'
    ],
    '',
    '## Exit codes',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.values(exitCodes).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
    ...sections
  ].join('\n')
}

/** A command and all below it, in the order in which help lists them. */
export function commandsOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(commandsOf)]
}

/** `instar upgrade build`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

/** The help of a command as a person sees it, examples included. */
export function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: part => (text += part),
    getOutHasColors: () => false,
    getOutHelpWidth: () => 100
  })
  command.outputHelp()
  return text
}

function section(command: Command): string {
  return [`## ${pathOf(command)}`, '', '```', helpOf(command).trimEnd(), '```', ''].join('\n')
}
