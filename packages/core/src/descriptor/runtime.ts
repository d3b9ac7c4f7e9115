/** The Instar releases that can run a version, for example `>=0.3.0` (§16). */
export const runtimePattern = /^>=(\d{1,5})\.(\d{1,5})\.(\d{1,5})$/

/** Whether a release of Instar is new enough; pre-release tags do not count. */
export function canRun(runtime: string, instar: string): boolean {
  const needed = runtimePattern.exec(runtime)?.slice(1).map(Number)
  const here = /^(\d+)\.(\d+)\.(\d+)/.exec(instar)?.slice(1).map(Number)
  if (needed === undefined || here === undefined) return false
  for (const [i, part] of needed.entries()) {
    const ours = here[i] ?? 0
    if (ours !== part) return ours > part
  }
  return true
}
