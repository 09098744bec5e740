import { MemoryStore } from '../rooms/stores/memory.ts'
import { Random } from './faults/random.ts'
import { ChaosStore } from './support/chaos.ts'
import { SEED } from './support/seed.ts'
import { storeContract } from './support/store-contract.ts'

storeContract('in memory', async (bounds, clock) => new MemoryStore({ ...bounds, clock }))
// Whoever tests over a store that answers late and out of order must be able to rely on it all the same.
storeContract('in memory, late', async (bounds, clock) => {
  return new ChaosStore(new MemoryStore({ ...bounds, clock }), { random: new Random(SEED), failing: 0 })
})
