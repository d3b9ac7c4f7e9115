// Which package may know which. A package that is not named here may be imported by no one and imports no other.
const arrows = {
  core: [],
  signer: ['core'],
  scheduler: ['core'],
  'simulator-runtime': ['core'],
  bundler: ['core', 'simulator-runtime'],
  rpc: ['core'],
  node: ['core', 'signer', 'scheduler', 'simulator-runtime', 'rpc'],
  client: ['core', 'rpc', 'simulator-runtime'],
  cli: ['core', 'signer', 'scheduler', 'simulator-runtime', 'bundler', 'node', 'client'],
  'local-network': ['core', 'node', 'client', 'cli'],
  examples: ['core', 'simulator-runtime', 'client', 'local-network'],
  bench: [
    'core',
    'signer',
    'scheduler',
    'simulator-runtime',
    'bundler',
    'rpc',
    'node',
    'client',
    'cli',
    'local-network',
    'examples'
  ]
}

const pure = '^packages/(core|scheduler|fleet)/src/'
const among = names => `^packages/(${names.join('|')})/`

export default {
  forbidden: [
    ...Object.entries(arrows).map(([name, known]) => ({
      name: `arrows-of-${name}`,
      comment: `${name} may depend on ${known.join(', ') || 'no other package'} (dependencies point inward).`,
      severity: 'error',
      from: { path: among([name]) },
      to: { path: '^packages/', pathNot: among([name, ...known]) }
    })),
    {
      name: 'arrows-of-unknown',
      comment: 'A new package states its arrows in this file.',
      severity: 'error',
      from: { path: '^packages/', pathNot: among(Object.keys(arrows)) },
      to: { path: among(Object.keys(arrows)) }
    },
    {
      name: 'client-never-imports-node',
      comment: 'A program that only calls a service must not carry a peer with it.',
      severity: 'error',
      from: { path: '^packages/client/' },
      to: { path: '^packages/node/', reachable: true }
    },
    {
      name: 'no-deep-imports',
      comment: 'Another package is used through its exports: its sources are its own.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/[^/]+/(src|test)/', pathNot: '^packages/$1/' }
    },
    {
      name: 'no-tests-in-sources',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '[.]test[.]ts$' },
      to: { path: '^test/|^packages/[^/]+/test/|[.]test[.]ts$' }
    },
    {
      name: 'pure',
      comment: 'Neither I/O nor timers where a run must be repeatable.',
      severity: 'error',
      from: { path: pure, pathNot: '[.]test[.]ts$' },
      to: { dependencyTypes: ['core'] }
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      comment: 'The import leads nowhere: a missing file, a missing dependency, or a package that is not built yet.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true }
    }
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: '^packages/[^/]+/dist/[^/]+[.]tsbuildinfo$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.d.ts', '.json']
    }
  }
}
