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
