// What authors import. It is inlined into bundles, so it stays small, without side effects and without imports that exist in Node only.
export {
  command,
  defineContract,
  flow,
  query,
  type ArgumentsSchema,
  type AtomicOf,
  type CommandsOf,
  type Contract,
  type DelegateOf,
  type Method,
  type MethodKind,
  type ObjectOf,
  type QueriesOf,
  type ResultSchema,
  type SendsOf,
  type StubOf
} from './contract/contract.js'
export { Disallowed, Failed } from './definition/call-refusal.js'
export type { DirectoryContext, ObjectContext, SimulationContext } from './definition/context.js'
export {
  defineClass,
  type ClassDefinition,
  type ClassOptions,
  type DirectoryClassOptions,
  type Initialize,
  type InitializeDirectory,
  type ReadEntry
} from './definition/define-class.js'
export {
  defineUpgrade,
  type Disallow,
  type DirectInit,
  type InterceptorInit,
  type ShadowedInit,
  type SimulationClass,
  type SimulationDefinition,
  type SimulationInit,
  type Transform,
  type TransformStates,
  type UpgradeDefinition,
  type UpgradeInit,
  type VerifiedStates,
  type Verify
} from './definition/define-upgrade.js'
export type {
  ReverseDefinition,
  ReverseEntries,
  ReverseEntry,
  ReverseEntryStates,
  ReverseInit,
  ReverseStates,
  ReverseTransform
} from './definition/reverse.js'
export type { HealthDefinition, HealthInit } from './definition/health.js'
export type { EntriesTransform, EntryTransform, EntryTransformStates } from './definition/entries.js'
export {
  callsOf,
  opaque,
  type CallsOf,
  type CommandNames,
  type EquivalentCall,
  type ShadowAnswer,
  type Shadowed,
  type ShadowsOf
} from './definition/shadow.js'
export type {
  MappedEntry,
  Mapping,
  MappingReads,
  MappingStates,
  MappingWrites,
  TwinClass,
  TwinInit,
  TwinSideInit
} from './definition/twin.js'
export type {
  BatchOperation,
  Encoding,
  EncodingOptions,
  RangeOptions,
  ReadOnlyStateView,
  StateIterator,
  StateView
} from './state/state-view.js'
