// Loaded before Parlour, this closes its fast lane: `routes/wire/direct.ts` goes by the name of what a plain socket writes to.
import { once } from 'node:events'
import { createServer } from 'node:net'

const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
Object.defineProperty(server._handle.constructor, 'name', { value: 'TCP without a fast lane' })
server.close()
