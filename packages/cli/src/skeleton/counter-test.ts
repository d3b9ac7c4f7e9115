import test from 'node:test'
import { assertPassed, checkUpgrade } from '@instar/simulator-runtime/check'
import counter from './counter.ts'
import upgrade from './counter-with-history.ts'
import specification from './counter-with-history.specification.ts'

await test('every history of calls at both versions is answered as the specification says', async () => {
  const report = await checkUpgrade({
    versions: [counter, upgrade],
    specifications: [specification],
    budget: { histories: 100 }
  })
  assertPassed(report)
})
