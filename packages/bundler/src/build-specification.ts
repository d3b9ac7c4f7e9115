import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { build, type BuildFailure, type Plugin } from 'esbuild'
import { InstarError, messageOf } from '@instar/core'

/** What a specification file imports of Instar and must get from here: the checker itself is never built into anything. */
const checkKit = '@instar/simulator-runtime/check'

const provideCheckKit: Plugin = {
  name: 'check-kit',
  setup: build => {
    build.onResolve({ filter: /^@instar\/simulator-runtime\/check$/ }, () => ({
      path: import.meta.resolve(checkKit),
      external: true
    }))
  }
}

/**
 * Makes one ES module of an author's specification file, to be imported on this machine only: it is no part of any bundle.
 *
 * @throws InstarError BundleBuildFailed, with the first errors of the compiler
 */
export async function buildSpecification(entry: string, outFile: string): Promise<void> {
  const source = resolve(entry)
  if (!existsSync(source)) throw new InstarError('BundleBuildFailed', `There is no specification ${source}.`)
  const folders = createRequire(import.meta.url).resolve.paths(checkKit) ?? []
  try {
    await build({
      absWorkingDir: dirname(source),
      entryPoints: [basename(source)],
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      tsconfigRaw: { compilerOptions: {} },
      plugins: [provideCheckKit],
      nodePaths: folders.filter(folder => existsSync(join(folder, '@instar', 'simulator-runtime'))),
      sourcemap: 'inline',
      outfile: outFile,
      logLevel: 'silent'
    })
  } catch (cause) {
    const [first] = (cause as Partial<BuildFailure>).errors ?? []
    const where = first?.location ?? undefined
    const what = first === undefined ? messageOf(cause) : first.text
    const place = where === undefined ? '' : `${where.file}:${where.line}:${where.column}: `
    throw new InstarError('BundleBuildFailed', `${source} does not build: ${place}${what}`, { cause })
  }
}
