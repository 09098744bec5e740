import type { Clock } from '../../rooms/clock.ts'
import type { Conversation } from './conversation.ts'

const BEAT_MS = 25_000
const LOOK_MS = 5000
// Whoever is there has answered a beat by then.
const QUIET_MS = BEAT_MS + 2 * LOOK_MS
// Of one session. Somebody whose network comes and goes leaves dead ones behind.
const OWN_SOCKETS = 16

/** The open sockets of one chat. */
export class Sockets {
  #clock: Clock
  #open = new Set<Conversation>()
  #own = new Map<string, Set<Conversation>>()
  #cancelLook: () => void
  #nextBeat: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#cancelLook = this.#schedule()
    this.#nextBeat = clock.elapsed() + BEAT_MS
  }

  /**
   * Keeps a connection until it is forgotten. Of a session that has too many one that has been silent gives way, and
   * else the oldest.
   */
  keep(connection: Conversation): void {
    this.#open.add(connection)
    const { id } = connection.member
    const own = this.#own.get(id) ?? new Set()
    this.#own.set(id, own.add(connection))
    if (own.size <= OWN_SOCKETS) return
    // Who has answered the last beat earlier than others is no less there, and the newest may not have been asked yet.
    const quiet = this.#clock.elapsed() - QUIET_MS
    const [oldest] = own
    const spare = [...own].find(({ heard }) => heard < quiet) ?? oldest
    own.delete(spare)
    spare.close('busy')
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size
  }

  /** Bytes that readers have not taken. */
  get unsentBytes(): number {
    let bytes = 0
    for (const connection of this.#open) bytes += connection.unsentBytes
    return bytes
  }

  forget(connection: Conversation): void {
    this.#open.delete(connection)
    const own = this.#own.get(connection.member.id)
    own?.delete(connection)
    if (own?.size === 0) this.#own.delete(connection.member.id)
  }

  /** Says goodbye to those who are left. */
  stop(): void {
    this.#cancelLook()
    for (const connection of this.#open) connection.close('restart')
  }

  #schedule(): () => void {
    return this.#clock.after(LOOK_MS, () => {
      this.#cancelLook = this.#schedule()
      this.#look()
    })
  }

  /** Drops those who have been silent for too long, and now and then gives the others something to answer. */
  #look(): void {
    const now = this.#clock.elapsed()
    const isBeat = now >= this.#nextBeat
    if (isBeat) this.#nextBeat = now + BEAT_MS
    for (const connection of this.#open) {
      if (connection.isDead(now)) connection.cut()
      else if (isBeat && !connection.hasUnsent) connection.beat()
    }
  }
}
