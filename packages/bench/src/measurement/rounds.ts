/**
 * Measures several subjects in turns: A B C, then C B A, and so on, so that a drift of the machine meets all of them alike.
 *
 * @returns each subject's samples, in the order of the rounds
 */
export async function measureInTurns<Subject, Result>(init: {
  readonly subjects: readonly Subject[]
  readonly rounds: number
  readonly measure: (subject: Subject, round: number) => Promise<Result>
}): Promise<ReadonlyMap<Subject, readonly Result[]>> {
  const results = new Map<Subject, Result[]>(init.subjects.map(subject => [subject, []]))
  for (let round = 0; round < init.rounds; round++) {
    const order = round % 2 === 0 ? init.subjects : init.subjects.toReversed()
    for (const subject of order) results.get(subject)?.push(await init.measure(subject, round))
  }
  return results
}
