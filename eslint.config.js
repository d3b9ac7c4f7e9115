import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Packages in which time and chance are inputs, so that a run can be repeated. */
const pure = ['packages/core/src/**', 'packages/scheduler/src/**', 'packages/fleet/src/**']
const tests = ['packages/*/test/**', 'packages/*/src/**/*.test.ts', 'test/**']
/** Packages and scripts whose work is to print. */
const printing = ['packages/cli/**', 'packages/bench/**', 'packages/examples/**', 'scripts/**', ...tests]

const passItIn = 'time and chance are inputs here: take them as parameters'
const notThere = 'this package does no I/O: put it behind an input or an effect'

export default defineConfig(
  globalIgnores(['**/dist/', '**/node_modules/', '**/.turbo/', '**/vectors/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-warning-comments': ['error', { terms: ['fixme', 'xxx'], location: 'anywhere' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A number in a message is what it looks like.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `close: () => server.close()` says what it does; braces would add nothing.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }
      ],
      // A function is async because its contract is: it must reject, not throw, also when it has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // `while (true)` with an exit inside is how a loop over messages reads.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' }
      ],
      // Interfaces that take a type only to pass it on are how stubs are typed.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off'
    }
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: tests,
    rules: { 'max-lines': ['error', { max: 500 }] }
  },
  { files: printing, rules: { 'no-console': 'off' } },
  {
    files: tests,
    rules: {
      // A test that indexes past the end fails, which is what it is for.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Fakes may do nothing.
      '@typescript-eslint/no-empty-function': 'off'
    }
  },
  {
    files: pure,
    ignores: tests,
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: passItIn },
        { object: 'Math', property: 'random', message: passItIn },
        { property: 'localeCompare', message: 'its answer depends on the machine: compare with < and >' },
        { property: 'toLocaleString', message: 'its answer depends on the machine' }
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: passItIn },
        { selector: "CallExpression[callee.name='Date']", message: passItIn },
        { selector: 'ImportExpression', message: notThere }
      ],
      'no-restricted-globals': [
        'error',
        { name: 'performance', message: passItIn },
        { name: 'crypto', message: passItIn },
        ...['process', 'globalThis', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'].map(
          name => ({ name, message: notThere })
        )
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^node:', message: notThere },
            { regex: '^@noble/', importNamePattern: '^random', message: passItIn }
          ]
        }
      ]
    }
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [tseslint.configs.base],
    rules: { eqeqeq: 'error', 'no-unused-vars': 'error', 'prefer-const': 'error', 'no-warning-comments': 'error' }
  }
)
