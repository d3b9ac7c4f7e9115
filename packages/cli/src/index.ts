export { toDocsPage } from './docs-page.js'
export type { Io } from './io.js'
export { createProgram } from './program.js'
export { run } from './run.js'
