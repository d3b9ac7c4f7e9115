export { createTestObject, type TestCall, type TestObject, type TestObjectInit } from './test-object.js'
