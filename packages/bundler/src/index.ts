export { buildBundle, type BuildBundleInit, type BuiltBundle } from './build-bundle.js'
export { readBundle, writeBundle } from './bundle-files.js'
export { manifestOf } from './manifest-of.js'
