import { MemoryStore } from '../rooms/stores/memory.ts'
import { storeContract } from './support/store-contract.ts'

storeContract('in memory', async (bounds, clock) => new MemoryStore({ ...bounds, clock }))
