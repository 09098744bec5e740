import type { Server } from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'

/**
 * Begins to listen; rejects where that cannot be.
 * @returns the port, which may have been picked just now
 */
export function listen(server: Server, place: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(place, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** Takes no more connections; settles once nobody is connected any more. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
