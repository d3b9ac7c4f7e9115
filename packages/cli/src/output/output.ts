import { styleText } from 'node:util'
import Table from 'cli-table3'
import type { Io } from '../io.js'
import type { JsonOptions } from '../options/common.js'

type Style = Parameters<typeof styleText>[0]

/** Prints a command's results: text for people, or one object per line for programs. */
export interface Output {
  readonly isJson: boolean
  /** For people only; programs do not see it. */
  line: (text?: string) => void
  /** The result: the object for programs, the text for people. */
  result: (record: object, text: () => string) => void
  style: (style: Style, text: string) => string
  table: (head: readonly string[], rows: ReadonlyArray<readonly string[]>) => string
}

export function createOutput(io: Io, options: JsonOptions): Output {
  const isJson = options.json === true
  const style = (format: Style, text: string) =>
    io.hasColours && text !== '' ? styleText(format, text, { validateStream: false }) : text
  const line = (text = '') => {
    if (!isJson) io.out(`${text}\n`)
  }
  return {
    isJson,
    line,
    result(record, text) {
      if (isJson) io.out(`${JSON.stringify(record)}\n`)
      else line(text())
    },
    style,
    table(head, rows) {
      const table = new Table({
        head: head.map(name => style('dim', name)),
        chars: noLines,
        style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 }
      })
      table.push(...rows.map(row => [...row]))
      return table.toString().replaceAll(/ +$/gm, '')
    }
  }
}

const noLines = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle']
  ].map(name => [name, ''])
)
