import { join, resolve } from 'node:path'
import { encodeDescriptor, encodeManifest, type Descriptor } from '@instar/core'
import type { Io } from '../io.js'
import type { UpgradeOptions } from '../options/upgrade.js'
import { createOutput } from '../output/output.js'
import type { BuiltUpgrade } from './build-upgrade.js'
import { writeProposal } from './proposal-file.js'
import { writeAtomically } from './write-atomically.js'

/** Writes proposal, descriptor and bundles to `--out`, unless it is a dry run, and says what comes next. */
export async function writeUpgrade(built: BuiltUpgrade, options: UpgradeOptions, io: Io): Promise<void> {
  const output = createOutput(io, options)
  const out = resolve(io.cwd, options.out)
  const isDry = options.dryRun === true
  if (!isDry) await writeAll(out, built)
  const { descriptor, hints } = built
  const bundles = descriptor.classes.map(each => each.bundle)
  output.result({ dryRun: isDry, version: descriptor.version, out, bundles, descriptor, hints }, () =>
    [
      `Version ${descriptor.version}, ${descriptor.title}:`,
      ...descriptor.classes.map(each => `  ${classWords(each)}`),
      ...hints.map(hint => output.style('yellow', `Note: ${hint}`)),
      '',
      isDry ? `Would write it to ${options.out}.` : `Written to ${options.out}. Next:`,
      ...(isDry ? [] : [`  instar upgrade sign ${join(options.out, 'proposal.json')} --keys <dir>`])
    ].join('\n')
  )
}

function classWords(each: Descriptor['classes'][number]): string {
  const isTwin = each.transform === 'mapping'
  const parts = [
    isTwin ? 'twin' : undefined,
    each.compatible ? 'compatible' : undefined,
    each.future === undefined || isTwin ? undefined : 'future object',
    each.past === undefined || isTwin ? undefined : 'past object',
    each.transform === 'none' || isTwin ? undefined : 'transform'
  ].filter(part => part !== undefined)
  const from = each.oldClass === undefined ? 'new class' : `${each.oldClass} →`
  const start = each.from === undefined ? '' : ` from version ${each.from}`
  return `${from} ${each.newClass}${start} (${parts.join(', ') || 'code only'}), bundle ${each.bundle.slice(0, 16)}`
}

async function writeAll(out: string, { proposal, descriptor, bundles }: BuiltUpgrade): Promise<void> {
  const { writeBundle } = await import('@instar/bundler')
  for (const { bundle, manifest, files } of bundles)
    await writeBundle(join(out, 'bundles', bundle), { manifestBytes: encodeManifest(manifest), files })
  await writeAtomically(join(out, 'descriptor.json'), encodeDescriptor(descriptor))
  await writeProposal(join(out, 'proposal.json'), proposal)
}
