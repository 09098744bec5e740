import { MemoryStore } from '../rooms/memory.ts'
import { storeContract } from './support/store-contract.ts'

storeContract('in memory', async (bounds, clock) => new MemoryStore({ ...bounds, clock }))
