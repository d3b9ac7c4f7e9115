import { existsSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { build, type BuildFailure, type BuildResult } from 'esbuild'
import { bundleBytesMax, encodeManifest, InstarError } from '@instar/core'
import { writeBundle, type Bundle } from './bundle-files.js'
import { manifestOf, sha256 } from './manifest-of.js'

export interface BuildBundleInit {
  /** The author's module, TypeScript or JavaScript, whose default export is a class or an upgrade. */
  readonly entry: string
  /** Where to write the bundle as well (`manifest.json` and `files/`). */
  readonly outDir?: string
}

export interface BuiltBundle extends Bundle {
  /** The path of the entry in the bundle, for the descriptor. */
  readonly entry: string
}

/**
 * Makes one self-contained ES module of an author's module and everything that it imports, Instar's authoring API included, so that it
 * runs on a peer that has nothing installed. Reproducible: equal sources give an equal bundle id, in whatever folder they lie.
 *
 * @throws InstarError BundleBuildFailed, with the first errors of the compiler
 */
export async function buildBundle(init: BuildBundleInit): Promise<BuiltBundle> {
  const source = resolve(init.entry)
  if (!existsSync(source)) throw new InstarError('BundleBuildFailed', `There is no module ${source} to build.`)
  let built = await compile(source, '')
  // A dependency in CommonJS that asks for a built-in module needs a `require`, which an ES module does not have.
  if (importsOf(built).some(each => each.kind === 'require-call')) built = await compile(source, requireBanner)
  refuseNative(source, built)
  refuseExternal(source, built)

  const bytes = built.outputFiles[0]?.contents ?? new Uint8Array()
  if (bytes.byteLength > bundleBytesMax)
    throw new InstarError(
      'BundleBuildFailed',
      `The bundle of ${source} has ${bytes.byteLength} bytes, at most ${bundleBytesMax} are carried.`
    )
  // `.mjs`: what Node takes for an ES module whatever package.json lies above a peer's data directory.
  const entry = `${basename(source, extname(source))}.mjs`
  const files = new Map([[entry, bytes]])
  const manifest = manifestOf(files)
  const manifestBytes = encodeManifest(manifest)
  const bundle = { bundle: sha256(manifestBytes), manifest, manifestBytes, entry, files }
  if (init.outDir !== undefined) await writeBundle(init.outDir, bundle)
  return bundle
}

type Compiled = BuildResult<{ write: false; metafile: true }>

const requireBanner =
  "import{createRequire as createRequire_}from'node:module';const require=createRequire_(import.meta.url);"

async function compile(source: string, banner: string): Promise<Compiled> {
  try {
    return await build({
      absWorkingDir: dirname(source),
      entryPoints: [basename(source)],
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      charset: 'utf8',
      legalComments: 'none',
      sourcemap: false,
      // Comments and internal names of modules hold paths, which would make the id depend on where things are installed.
      minifyWhitespace: true,
      minifyIdentifiers: true,
      keepNames: true,
      // Positions in stack traces should mean something.
      lineLimit: 160,
      // The author's compiler options must not decide what the bytes are.
      tsconfigRaw: { compilerOptions: {} },
      banner: { js: banner },
      nodePaths: ownPackages(),
      outfile: 'bundle.mjs',
      write: false,
      metafile: true,
      logLevel: 'silent'
    })
  } catch (cause) {
    throw buildFailed(source, cause)
  }
}

/** Where the authoring API lies beside this package, for authors whose folder has no installation of its own. */
function ownPackages(): string[] {
  const folders = createRequire(import.meta.url).resolve.paths('@instar/simulator-runtime') ?? []
  return folders.filter(folder => existsSync(join(folder, '@instar', 'simulator-runtime')))
}

function importsOf(built: Compiled) {
  return Object.values(built.metafile.outputs).flatMap(output => output.imports)
}

function refuseExternal(source: string, built: Compiled): void {
  const foreign = importsOf(built).find(each => each.external === true && !isBuiltin(each.path))
  if (foreign !== undefined)
    throw new InstarError(
      'BundleBuildFailed',
      `${source} imports ${foreign.path}, which cannot be put into the bundle: a bundle has to carry all that it needs.`,
      { detail: { import: foreign.path } }
    )
}

/** Loaders of native code find their binary at run time, so the compiler does not notice them. */
const nativeLoader = /(?:^|\/)node_modules\/(?:node-gyp-build|bindings|prebuild-install|@mapbox\/node-pre-gyp)\//

function refuseNative(source: string, built: Compiled): void {
  const inputs = Object.entries(built.metafile.inputs)
  const native = inputs.find(([, input]) => input.imports.some(each => nativeLoader.test(each.path)))
  if (native !== undefined) throw nativeRefused(source, native[0])
}

function nativeRefused(source: string, path: string): InstarError {
  return new InstarError(
    'BundleBuildFailed',
    `${source} imports native code (${path}): a bundle must run on every platform, so it carries JavaScript only.`,
    { detail: { import: path } }
  )
}

function buildFailed(source: string, cause: unknown): InstarError {
  const errors = (cause as Partial<BuildFailure>).errors ?? []
  const native = errors.find(error => error.text.includes('".node"'))
  if (native !== undefined) return nativeRefused(source, /"?([^\s"]+\.node)"?/.exec(native.text)?.[1] ?? 'a .node file')
  const texts = errors.slice(0, 5).map(error => {
    const at = error.location
    return at === null ? error.text : `${at.file}:${at.line}:${at.column}: ${error.text}`
  })
  return new InstarError('BundleBuildFailed', `${source} does not build: ${texts.join('; ') || String(cause)}`, {
    detail: { errors: texts },
    cause
  })
}
