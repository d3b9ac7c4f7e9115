// What authors' tests and specification files import. Nothing of it is ever put into a bundle.
export {
  defineSpecification,
  type ArgumentsArbitrary,
  type Lens,
  type Specification,
  type SpecificationInit,
  type SpecifiedArguments,
  type SpecifiedCall,
  type SpecifiedRefusals,
  type SpecifiedShadows
} from './specification.js'
export { checkUpgrade, type CheckBudget, type CheckUpgradeInit } from './check-upgrade.js'
export type { FlawKind } from './flaw.js'
export { assertPassed, describeReport, type CheckCounts, type CheckFailure, type CheckReport } from './report.js'
