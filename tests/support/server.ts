import { MemoryStore } from '../../rooms/stores/memory.ts'
import { type RunningServer, type ServerOptions, startServer } from '../../routes/server.ts'
import { busOn, storeOn, ttlOn } from './ground.ts'

export type TestServer = RunningServer & { readonly url: string }

/** Starts a whole server on a free port of this machine, with the limits that the test names. */
export async function serve(options: Partial<ServerOptions> & { history?: number } = {}): Promise<TestServer> {
  const { history = 500, clock } = options
  const server = await startServer({
    port: 0,
    host: '127.0.0.1',
    base: '',
    secrets: ['a secret of the tests'],
    ttl: ttlOn(24 * 60 * 60 * 1000),
    origins: [],
    trustedProxies: [],
    frameOrigins: [],
    areRatesLimited: false,
    ...options,
    store: storeOn(options.store ?? new MemoryStore({ history, bytes: 1024 * 1024, rooms: 10_000, clock })),
    bus: busOn(options.bus),
  })
  return { ...server, url: `http://127.0.0.1:${server.port}${options.base ?? ''}` }
}
