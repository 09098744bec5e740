import type { Connection } from './fanout.ts'

// Each holds a page that was encoded for it alone: 128 KB and more.
const HELD_CONNECTIONS = 512

/**
 * Connections whose readers have not taken what they were sent to catch up. Where they are too many the one that has
 * waited longest is cut off, and resumes by its cursor.
 */
export class Waiting {
  #connections = new Set<Connection>()
  #limit: number

  constructor(limit = HELD_CONNECTIONS) {
    this.#limit = limit
  }

  /** Settles once what this connection was sent is on its way, or it has ended. */
  async for(connection: Connection): Promise<void> {
    const drained = connection.drained()
    if (!drained) return
    this.#connections.add(connection)
    if (this.#connections.size > this.#limit) {
      const [oldest] = this.#connections
      this.#connections.delete(oldest)
      oldest.cut()
    }
    await drained
    this.#connections.delete(connection)
  }
}
