import {
  InstarError,
  weekdays,
  type Json,
  type LocalPolicy,
  type MaintenanceWindow,
  type PolicyOverrides
} from '@instar/core'
import type { PolicyRule } from '@instar/node/control'
import { toSizeWords } from '../output/size-words.js'
import { parseDuration, toWords } from './duration.js'

/** How a person says the value of a rule, and how it is shown. */
interface RuleWords {
  readonly rule: PolicyRule
  readonly form: string
  readonly parse: (words: readonly string[]) => PolicyOverrides
  readonly show: (value: Json) => string
}

const isOn = (words: readonly string[]): boolean => one(words, { on: true, off: false })
const onOff = (value: Json): string => (value === true ? 'on' : 'off')

/** By the name that the command line has for them. */
export const policyRules: Readonly<Record<string, RuleWords>> = {
  hold: { rule: 'hold', form: 'on | off', parse: words => ({ hold: isOn(words) }), show: onOff },
  approve: { rule: 'approve', form: 'on | off', parse: words => ({ approve: isOn(words) }), show: onOff },
  'go-now': { rule: 'goNow', form: 'on | off', parse: words => ({ goNow: isOn(words) }), show: onOff },
  'highest-version': {
    rule: 'highestVersion',
    form: 'a version, or none',
    parse: words => ({ highestVersion: count(words) }),
    show: value => `v${JSON.stringify(value)}`
  },
  windows: {
    rule: 'windows',
    form: 'one or more like "mon-fri 22:00-06:00 Europe/Berlin", or none',
    parse: words => ({ windows: isNone(words) ? null : words.map(parseWindow) }),
    show: value => (value as unknown as readonly MaintenanceWindow[]).map(windowWords).join('; ')
  },
  'old-states': {
    rule: 'oldStates',
    form: 'how long and how many bytes, like 7d 10GiB',
    parse: words => ({ oldStates: parseOldStates(words) }),
    show: value => oldStatesWords(value as unknown as LocalPolicy['oldStates'])
  },
  'park-after-crashes': {
    rule: 'parkAfterCrashes',
    form: 'crashes in a row, or none',
    parse: words => ({ parkAfterCrashes: count(words) }),
    show: value => `${JSON.stringify(value)} in a row`
  }
}

/** @throws InstarError BadInput */
export function ruleNamed(name: string): RuleWords {
  const found = policyRules[name]
  if (found !== undefined) return found
  throw new InstarError('BadInput', `There is no rule ${name}: it is one of ${Object.keys(policyRules).join(', ')}.`)
}

/** @throws InstarError BadInput for words that are no value of this rule */
export function parseRule(name: string, words: readonly string[]): PolicyOverrides {
  const rule = ruleNamed(name)
  try {
    return rule.parse(words)
  } catch (thrown) {
    throw new InstarError('BadInput', `"${words.join(' ')}" is no value of ${name}: say ${rule.form}.`, {
      cause: thrown
    })
  }
}

export function ruleName(rule: PolicyRule): string {
  return Object.entries(policyRules).find(([, words]) => words.rule === rule)?.[0] ?? rule
}

function isNone(words: readonly string[]): boolean {
  return words.length === 1 && words[0] === 'none'
}

function one<T>(words: readonly string[], choices: Readonly<Record<string, T>>): T {
  const chosen = words.length === 1 ? choices[words[0] ?? ''] : undefined
  if (chosen === undefined) throw new TypeError('no such choice')
  return chosen
}

function count(words: readonly string[]): number | null {
  if (isNone(words)) return null
  const digits = words.length === 1 ? /^v?([1-9]\d{0,6})$/.exec(words[0] ?? '')?.[1] : undefined
  if (digits === undefined) throw new TypeError('no number')
  return Number(digits)
}

const windowForm = /^(\S+)\s+(\d\d:\d\d)-(\d\d:\d\d)(?:\s+(\S+))?$/

function parseWindow(text: string): MaintenanceWindow {
  const [, days, from, to, zone = 'UTC'] = windowForm.exec(text.trim()) ?? []
  if (days === undefined || from === undefined || to === undefined) throw new TypeError('no window')
  return { days: days.split(',').flatMap(daysOf), from, to, zone }
}

/** `mon`, `mon-fri`, `fri-mon`, `daily`. */
function daysOf(text: string): MaintenanceWindow['days'] {
  if (text === 'daily') return weekdays
  const [first, last] = text.split('-').map(day => (weekdays as readonly string[]).indexOf(day))
  if (first === undefined || first < 0 || last === -1) throw new TypeError('no day')
  const length = last === undefined ? 1 : ((last - first + weekdays.length) % weekdays.length) + 1
  return [...weekdays, ...weekdays].slice(first, first + length)
}

function windowWords({ days, from, to, zone }: MaintenanceWindow): string {
  return `${days.length === weekdays.length ? 'daily' : days.join(',')} ${from}-${to} ${zone}`
}

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40
}

function parseOldStates(words: readonly string[]): LocalPolicy['oldStates'] {
  const [keep = '', size = '', ...rest] = words
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([kMGT]?B|[KMGT]iB)$/.exec(size) ?? []
  if (digits === undefined || rest.length > 0) throw new TypeError('no size')
  return { keepMs: parseDuration(keep), bytesMax: Math.round(Number(digits) * (unitBytes[unit] ?? 1)) }
}

function oldStatesWords({ keepMs, bytesMax }: LocalPolicy['oldStates']): string {
  return `kept for ${toWords(keepMs)}, up to ${toSizeWords(bytesMax)}`
}
