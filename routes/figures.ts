import type { RoomFigures } from '../rooms/rooms.ts'
import type { SiteCode } from './guard/refusals.ts'
import type { ConnectionKind, Site } from './guard/site.ts'
import type { Sockets } from './wire/socket.ts'

/** What there is now in one chat, and what was done in it since the start. No figure tells of one room. */
export interface Figures extends RoomFigures {
  readonly connections: Readonly<Record<ConnectionKind, number>>
  /** Bytes that wait for readers to take them, over all connections. */
  readonly queueBytes: number
  readonly refusals: Readonly<Record<SiteCode, number>>
}

/** Counts what there is now: a look at each connection. */
export function figuresOf({ rooms, streams, ledger }: Site, sockets: Sockets): Figures {
  const connections = { socket: sockets.size, events: 0, page: 0 }
  let queueBytes = sockets.unsentBytes
  for (const own of streams.values())
    for (const stream of own) {
      connections[stream.kind] += 1
      queueBytes += stream.unsentBytes
    }
  return { ...rooms.figures(), connections, queueBytes, refusals: ledger.refusals }
}
