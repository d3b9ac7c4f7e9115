export { colorSet, colours, countingColorSet, intSet, type Colour } from './int-set/contracts.js'
export { default as intSetV1 } from './int-set/v1.js'
export { default as colorSetV2 } from './int-set/v2.js'
export { default as colorSetV3 } from './int-set/v3.js'
export { default as colorSetV4 } from './int-set/v4.js'
export { default as colorSetV2Twin } from './int-set/v2-twin.js'
export { default as colorSetV2Shadowed } from './int-set/v2-shadowed.js'
export { default as colorSetV2Interceptor } from './int-set/v2-interceptor.js'
export { default as colorSetV3Shadowed } from './int-set/v3-shadowed.js'
export { default as colorSetV3Twin } from './int-set/v3-twin.js'
export { defaultMode, everyone, fileAccess, filePermissions, type Acl, type Mode } from './file-access/contracts.js'
export { default as filePermissionsV1 } from './file-access/v1.js'
export { default as fileAccessV2 } from './file-access/v2.js'
export { default as fileAccessV2Twin } from './file-access/v2-twin.js'
export {
  causalKeyValue,
  keyValue,
  reviewedKeyValue,
  siblingsMax,
  typedKeyValue,
  type Value
} from './key-value/contracts.js'
export { default as keyValueV1 } from './key-value/v1.js'
export { default as keyValueV2 } from './key-value/v2.js'
export { default as keyValueV2Shadowed } from './key-value/v2-shadowed.js'
export { default as keyValueV3 } from './key-value/v3.js'
export { default as keyValueV4 } from './key-value/v4.js'
