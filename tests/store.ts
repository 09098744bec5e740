import { MemoryStore } from '../rooms/memory.ts'
import { storeContract } from './support/store-contract.ts'

storeContract('in memory', async (bounds) => new MemoryStore(bounds))
