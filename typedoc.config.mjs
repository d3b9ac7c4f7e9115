// The API reference of the packages that other programs import. `npm run docs` writes it to reference/; `npm run check` only looks whether
// everything in it is documented. Its modules are the entries of each package.json, under the names that one imports.

import { readFileSync } from 'node:fs'
import { Converter } from 'typedoc'

const packages = ['simulator-runtime', 'client', 'core', 'scheduler', 'signer']

const entries = packages.flatMap(folder => {
  const { name, exports } = JSON.parse(
    readFileSync(new URL(`packages/${folder}/package.json`, import.meta.url), 'utf8')
  )
  return Object.entries(exports)
    .filter(([, target]) => target.types !== undefined)
    .map(([entry, { types }]) => ({
      name: name + entry.slice(1),
      source: types.replace('./dist/', `packages/${folder}/src/`).replace(/\.d\.ts$/, '.ts')
    }))
})

/** TypeDoc calls a module by the path of its source. */
function nameModules(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const { name, source } of entries) {
      const module = project.getChildByName([source.replace(/^packages\//, '').replace(/(\/index)?\.ts$/, '')])
      if (module === undefined) throw new Error(`there is no module of ${source} in the reference`)
      module.name = name
    }
  })
}

export default {
  name: 'Instar',
  entryPoints: entries.map(each => each.source),
  tsconfig: 'tsconfig.check.json',
  // The compiler has a check of its own.
  skipErrorChecking: true,
  plugin: ['typedoc-plugin-markdown', nameModules],
  out: 'reference',
  readme: 'none',
  disableSources: true,
  validation: { notExported: false, invalidLink: true, notDocumented: true },
  packagesRequiringDocumentation: packages.map(folder => `@instar/${folder}`),
  requiredToBeDocumented: ['Class', 'Interface', 'Function', 'TypeAlias', 'Variable', 'Enum'],
  treatWarningsAsErrors: true
}
