import { MemoryStore } from '../../rooms/stores/memory.ts'
import { type RunningServer, type ServerOptions, startServer } from '../../routes/server.ts'

export type TestServer = RunningServer & { readonly url: string }

/** Starts a whole server on a free port of this machine, with the limits that the test names. */
export async function serve(options: Partial<ServerOptions> & { history?: number } = {}): Promise<TestServer> {
  const server = await startServer({
    port: 0,
    host: '127.0.0.1',
    base: '',
    secrets: ['a secret of the tests'],
    store: new MemoryStore({
      history: options.history ?? 500,
      bytes: 1024 * 1024,
      rooms: 10_000,
      clock: options.clock,
    }),
    ttl: 24 * 60 * 60 * 1000,
    origins: [],
    areRatesLimited: false,
    ...options,
  })
  return { ...server, url: `http://127.0.0.1:${server.port}${options.base ?? ''}` }
}
