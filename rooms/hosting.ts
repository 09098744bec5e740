import { readChange, type Wanted } from './change.ts'
import type { Act } from './entries.ts'
import type { FixedRoom } from './fixed.ts'
import type { Pace } from './pace.ts'
import type { Appended, Store } from './stores/store.ts'
import { type Member, type MemberChange, type MemberChanged, type Result, type Room, refuse } from './types.ts'
import type { Writing } from './writing.ts'

/** What hosts do. */
export type HostAct = MemberChange | 'room' | 'cleared' | 'ended'

export interface HostingOptions {
  readonly store: Store
  readonly writing: Writing
  readonly pace: Pace
  /** Rooms that always exist. */
  readonly fixed: readonly FixedRoom[]
  /** Called with what became of a member. */
  readonly changed: (code: string, entry: MemberChanged) => void
  /** Called with a room that is over. */
  readonly ended: (room: Room) => void
  /** Called with the kind of each thing that was done. */
  readonly hosted: (act: HostAct) => void
}

/** What hosts do with their room and its members, at the pace of hosts. `Rooms` says of each method what it refuses. */
export class Hosting {
  #options: HostingOptions

  constructor(options: HostingOptions) {
    this.#options = options
  }

  async moderate(
    code: string,
    host: Member,
    id: string,
    change: MemberChange,
    milliseconds?: number,
  ): Promise<Result<{ member: Member }>> {
    const { writing, hosted, changed } = this.#options
    const appended = await this.#do(code, { kind: 'member', id, change, milliseconds, ...writing.by(host) })
    if (!appended.ok) return appended
    const { entry } = appended
    if (entry.kind !== 'member') throw new TypeError('a member was changed, and the entry is of another kind')
    hosted(change)
    changed(code, entry)
    return { ok: true, member: entry.member }
  }

  async change(code: string, host: Member, change: Partial<Wanted>): Promise<Result<{ room: Room }>> {
    const { writing, pace, hosted } = this.#options
    const tooFast = pace.host(host.id)
    if (tooFast) return tooFast
    const read = await readChange(change)
    if (!read.ok) return read
    const appended = await writing.append(code, { kind: 'room', change: read.change, ...writing.by(host) })
    if (!appended.ok) return appended
    if (appended.entry.kind !== 'room') throw new TypeError('a room was changed, and the entry is of another kind')
    hosted('room')
    return { ok: true, room: appended.entry.room }
  }

  async clear(code: string, host: Member): Promise<Result<object>> {
    const { writing, hosted } = this.#options
    const cleared = await this.#do(code, { kind: 'cleared', ...writing.by(host) })
    if (cleared.ok) hosted('cleared')
    return cleared
  }

  async end(code: string, host: Member): Promise<Result<object>> {
    const { store, fixed, hosted, ended } = this.#options
    const [room, member] = [await store.find(code), await store.member(code, host.id)]
    if (!room || !member) return refuse(room ? 'no-session' : 'room-unknown')
    if (member.role !== 'host') return refuse('not-allowed')
    if (fixed.some((one) => one.code === code)) return refuse('room-fixed')
    await store.remove(code)
    hosted('ended')
    ended(room)
    return { ok: true }
  }

  async #do(code: string, act: Act): Promise<Result<Appended>> {
    const { pace, writing } = this.#options
    return pace.host(act.by) ?? writing.append(code, act)
  }
}
