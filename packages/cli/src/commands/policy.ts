import type { PolicyChange, ShownRule } from '@instar/node/control'
import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { parseRule, policyRules, ruleName, ruleNamed } from '../options/policy-rule.js'
import { createOutput, type Output } from '../output/output.js'

const froms = { default: 'the default', file: 'config.json', operator: 'said here' } as const

/** The local policy: what stands above every schedule of this peer, and where it comes from. */
export function addPolicyShow(policy: Command, io: Io): void {
  const command = policy
    .command('show')
    .summary('what this peer is allowed, and where that comes from')
    .description(
      'Shows every rule of the local policy of a peer: its value, and whether that is the default, comes from `policy` in config.json, or was said with `instar policy set`.'
    )
    .addHelpText('after', '\nExample:\n  $ instar policy show --data ./one')
    .action(async (options: PeerOptions) => {
      show(await withPeer(options, io, async client => client.policy()), createOutput(io, options))
    })
  addPeerOptions(command)
}

export function addPolicySet(policy: Command, io: Io): void {
  const command = policy
    .command('set')
    .argument('<rule>', `one of ${Object.keys(policyRules).join(', ')}`)
    .argument('<value...>', 'its value, see below')
    .summary('set a rule at a running peer')
    .description(
      'Sets one rule of the local policy. It wins over config.json until it is unset, and survives restarts. What is under way goes on, and no rule keeps a peer from going back.'
    )
    .addHelpText(
      'after',
      `
Rules:
${Object.entries(policyRules)
  .map(([name, { form }]) => `  ${name.padEnd(20)}${form}`)
  .join('\n')}

Examples:
  $ instar policy set highest-version 3 --data ./one
  $ instar policy set windows "sat,sun 01:00-05:00 Europe/Berlin" "daily 03:00-03:30" --data ./one
  $ instar policy set park-after-crashes 10 --data ./one`
    )
    .action(async (name: string, words: readonly string[], options: PeerOptions & WriteOptions) => {
      await change(io, options, { set: parseRule(name, words) as PolicyChange['set'] }, `${name} would be set.`)
    })
  addPeerOptions(addDryRunOption(command))
}

export function addPolicyUnset(policy: Command, io: Io): void {
  const command = policy
    .command('unset')
    .argument('<rule...>', `of ${Object.keys(policyRules).join(', ')}`)
    .summary('take back what was set: config.json counts again')
    .description(
      'Takes back what `instar policy set` said of these rules: what config.json says counts again, or the default.'
    )
    .addHelpText('after', '\nExample:\n  $ instar policy unset highest-version windows --data ./one')
    .action(async (names: readonly string[], options: PeerOptions & WriteOptions) => {
      const unset = names.map(name => ruleNamed(name).rule)
      await change(io, options, { unset }, `${names.join(' and ')} would be unset.`)
    })
  addPeerOptions(addDryRunOption(command))
}

async function change(
  io: Io,
  options: PeerOptions & WriteOptions,
  policy: PolicyChange,
  dryWords: string
): Promise<void> {
  const output = createOutput(io, options)
  const isDry = options.dryRun === true
  const rules = await withPeer(options, io, async client => (isDry ? client.policy() : client.changePolicy(policy)))
  if (isDry) output.line(`Dry run: ${dryWords} Now:`)
  show(rules, output)
}

function show(rules: readonly ShownRule[], output: Output): void {
  output.result({ rules }, () =>
    output.table(
      ['RULE', 'VALUE', 'FROM'],
      rules.map(({ rule, value, from }) => {
        const name = ruleName(rule)
        return [name, value === undefined ? 'none' : ruleNamed(name).show(value), froms[from]]
      })
    )
  )
}
