import { InstarError, upgradeWords, type ClassUpgrade, type Descriptor } from '@instar/core'
import type { Io } from '../io.js'
import { Refused } from '../refused.js'
import type { ClassChange } from './class-change.js'

/** How an author can have an upgrade go back (§8). */
export const waysBack = ['exact', 'transform', 'copy', 'none'] as const satisfies ReadonlyArray<ClassUpgrade['back']>

/**
 * What the descriptor promises of going back: what the author says, as far as the code can keep it. Unsaid: a twin loses nothing, a reverse
 * transform is there to be used, and another upgrade does not go back.
 *
 * @throws InstarError `BadInput` for what the code cannot do
 */
export function wayBackOf(
  { fields, reverse }: Pick<ClassChange, 'fields' | 'reverse'>,
  said: ClassUpgrade['back'] | undefined
): Pick<ClassUpgrade, 'back' | 'loses'> {
  const isTwin = fields.transform === 'mapping'
  const back = said ?? (isTwin ? 'exact' : reverse === undefined ? 'none' : 'transform')
  const flaw = flawOf(back, isTwin, reverse !== undefined)
  if (flaw !== undefined)
    throw new InstarError('BadInput', `The upgrade to ${fields.newClass} cannot go back by ${back}: ${flaw}.`)
  return back === 'transform' ? { back, ...reverse } : { back }
}

function flawOf(back: ClassUpgrade['back'], isTwin: boolean, hasReverse: boolean): string | undefined {
  if (isTwin)
    return back === 'exact' || back === 'none' ? undefined : 'it is a twin, which goes back exactly or not at all'
  if (back === 'exact') return 'only a twin keeps the calls and the answers of both versions'
  if (back === 'transform' && !hasReverse) return 'its module has no reverse transform (`reverse` of defineUpgrade)'
  return undefined
}

/** What the author may not have thought of, where nothing was said. */
export function wayBackHint({ fields, reverse }: Pick<ClassChange, 'fields' | 'reverse'>): string | undefined {
  if (fields.transform === 'mapping' || reverse !== undefined || fields.oldClass === undefined) return undefined
  const price =
    fields.transform === 'none' ? 'callers wait while the state is copied' : 'the old state stays until the commit'
  return `The upgrade to ${fields.newClass} has NO way back. --back copy goes back to the state of before, without what the trial acknowledged; ${price}. --back none says that you know.`
}

/** Publishing what cannot be taken back at any peer is asked about twice, or said in so many words (§8). */
export interface IrreversibleOptions {
  readonly irreversible?: true
}

/** @throws Refused when an answer is no, InstarError BadInput when nobody can be asked and it was not said */
export async function askIfIrreversible(
  { version, classes }: Descriptor,
  { irreversible }: IrreversibleOptions,
  io: Pick<Io, 'ask' | 'canAsk'>
): Promise<void> {
  const final = classes.filter(each => each.oldClass !== undefined && each.back === 'none')
  if (final.length === 0 || irreversible === true) return
  const names = final.map(each => each.newClass).join(', ')
  const [first] = final
  const words =
    first === undefined ? '' : upgradeWords(first, { old: 'the old version', new: `version ${version}` }).back
  if (!io.canAsk)
    throw new InstarError(
      'BadInput',
      `Version ${version} has no way back for ${names} (${words}), and nobody can be asked whether that is meant: say --irreversible.`
    )
  const answer = await io.ask(`Version ${version} has no way back for ${names}: ${words}. Publish it? [y/N] `)
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw new Refused('Nothing was published.')
  const again = await io.ask(`What it breaks, only a later version can repair. Type ${version} to publish it: `)
  if (again.trim() !== String(version)) throw new Refused('Nothing was published.')
}
