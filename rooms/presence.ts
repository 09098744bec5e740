import { type Bucket, fill, take } from './bucket.ts'
import type { Clock } from './clock.ts'
import type { Attendance, Member, Notice } from './types.ts'

/** Above this many, names in the list and notices of coming and going give way to the count. */
export const CROWD = 200
// News of coming and going is told at once when it is quiet, and otherwise gathered.
const GATHER_MS = 1000
// A list of a crowd's names is 15 KB to each of them: told no more often than this, and in a larger crowd more rarely.
const LIST_MS = 10_000
const LIST_MS_EACH = 10
// Such lists to those who catch up. Whoever comes when they are used up waits for the next that all are told.
const LISTS = { burst: 20, perSecond: 5 }

export interface PresenceOptions {
  readonly clock: Clock
  /** Milliseconds in which someone without a connection has not left: reloading or hiding a tab is not leaving. */
  readonly grace: number
  /** Called at once when a member has come or gone. */
  readonly mark: (id: string, isHere: boolean) => void
  /** Called when who is here has changed. */
  readonly tell: (attendance: Attendance, notice: Notice | undefined) => void
}

/** Who is in one room: people, not sockets. */
export class Presence {
  #options: PresenceOptions
  #present = new Map<string, Member>()
  #connections = new Map<string, number>()
  /** Members without a connection and when they are taken to have left, soonest first. */
  #leaving = new Map<string, number>()
  #joined = new Map<string, Member>()
  #left = new Map<string, Member>()
  #attendance: Attendance | undefined
  #counted: Attendance | undefined
  #first: readonly Member[] | undefined
  #gathering = false
  /** Somebody may have been shown what is no longer so, even if who came has left again. */
  #isNews = false
  #isSweepDue = false
  /** The names that all were told last, in a crowd, and when they may be told again. */
  #listed: readonly Member[] | undefined
  #nextList = 0
  /** Whether somebody has caught up without the names. */
  #isListOwed = false
  #lists: Bucket

  constructor(options: PresenceOptions) {
    this.#options = options
    this.#lists = fill(LISTS, options.clock.elapsed())
  }

  /** Those who are here, first come first. The list stays the same one until another name belongs in it. */
  get attendance(): Attendance {
    this.#first ??= first(this.#present.values(), CROWD)
    this.#attendance ??= { kind: 'attendance', count: this.#present.size, members: this.#first }
    return this.#attendance
  }

  /** The same for somebody who has caught up: in a crowd without the names, where too many ask for them at once. */
  here(): Attendance {
    if (!this.#isCrowd || take(this.#lists, LISTS, this.#options.clock.elapsed()) === 0) return this.attendance
    this.#isListOwed = true
    this.#gather()
    return this.#count
  }

  get isEmpty(): boolean {
    return this.#present.size === 0
  }

  get size(): number {
    return this.#present.size
  }

  /** So many of those who are here, first come first. */
  members(count: number): Member[] {
    return first(this.#present.values(), count)
  }

  /** A member opened a connection. */
  connected(member: Member): void {
    this.#connections.set(member.id, (this.#connections.get(member.id) ?? 0) + 1)
    this.#leaving.delete(member.id)
    this.#enter(member)
  }

  /** A connection of a member is gone; with the last one the grace begins. */
  disconnected(member: Member): void {
    const left = (this.#connections.get(member.id) ?? 0) - 1
    if (left > 0) this.#connections.set(member.id, left)
    else this.#connections.delete(member.id)
    if (left <= 0 && this.#present.has(member.id)) this.#delay(member.id)
  }

  /** A member asked for something without a connection, as text browsers do: they are here for the grace. */
  seen(member: Member): void {
    if (!this.#connections.has(member.id)) this.#delay(member.id)
    this.#enter(member)
  }

  /** A member came back whom only a restart had forgotten: they never left, so nobody is told that they joined. */
  returned(member: Member): void {
    this.seen(member)
    this.#joined.delete(member.id)
  }

  /** A member was changed: whoever asks who is here is told of them as they are now, and all are told of another name. */
  changed(member: Member): void {
    const before = this.#present.get(member.id)
    if (!before) return
    this.#present.set(member.id, member)
    if (this.#joined.has(member.id)) this.#joined.set(member.id, member)
    if (this.#first?.includes(before)) this.#first = this.#attendance = undefined
    if (before.name !== member.name) this.#changed()
  }

  /** A member left for good. */
  left(id: string): void {
    this.#connections.delete(id)
    this.#leaving.delete(id)
    this.#exit(id)
  }

  #enter(member: Member): void {
    if (this.#present.has(member.id)) return
    this.#present.set(member.id, member)
    if (this.#present.size <= CROWD) this.#first = undefined
    if (!this.#left.delete(member.id)) this.#joined.set(member.id, member)
    this.#options.mark(member.id, true)
    this.#changed()
  }

  #exit(id: string): void {
    const member = this.#present.get(id)
    if (!member) return
    this.#present.delete(id)
    if (this.#first?.includes(member)) this.#first = undefined
    if (!this.#joined.delete(id)) this.#left.set(id, member)
    this.#options.mark(id, false)
    this.#changed()
  }

  #delay(id: string): void {
    this.#leaving.delete(id)
    this.#leaving.set(id, this.#options.clock.elapsed() + this.#options.grace)
    this.#scheduleSweep(this.#options.grace)
  }

  #scheduleSweep(milliseconds: number): void {
    if (this.#isSweepDue) return
    this.#isSweepDue = true
    this.#options.clock.after(milliseconds, () => this.#sweep())
  }

  #sweep(): void {
    this.#isSweepDue = false
    const now = this.#options.clock.elapsed()
    for (const [id, deadline] of this.#leaving) {
      if (deadline > now) return this.#scheduleSweep(deadline - now)
      this.#leaving.delete(id)
      this.#exit(id)
    }
  }

  #changed(): void {
    this.#attendance = undefined
    this.#counted = undefined
    this.#isNews = true
    this.#gather()
  }

  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    // The turn ends first, so that all who came in it are told of together.
    this.#options.clock.after(0, () => this.#tell())
  }

  #tell(): void {
    const isStale = this.#isCrowd && (this.#isListOwed || this.attendance.members !== this.#listed)
    const isListDue = isStale && this.#options.clock.elapsed() >= this.#nextList
    if (this.#isNews || isListDue) this.#tellNews(this.#isCrowd && !isListDue)
    else if (!isStale) {
      this.#gathering = false
      return
    }
    this.#options.clock.after(GATHER_MS, () => this.#tell())
  }

  #tellNews(isCountOnly: boolean): void {
    if (!isCountOnly) this.#list()
    this.#isNews = false
    const notice: Notice = { kind: 'notice', joined: [...this.#joined.values()], left: [...this.#left.values()] }
    this.#joined.clear()
    this.#left.clear()
    const isNotable = notice.joined.length + notice.left.length > 0 && this.#present.size <= CROWD
    this.#options.tell(isCountOnly ? this.#count : this.attendance, isNotable ? notice : undefined)
  }

  /** The names are told to all. */
  #list(): void {
    const size = this.#present.size
    this.#isListOwed = false
    // A list of fewer than a crowd has no line for those whom it leaves out, so after it the next is told whole.
    this.#listed = this.#isCrowd ? this.attendance.members : undefined
    this.#nextList = this.#isCrowd ? this.#options.clock.elapsed() + Math.max(LIST_MS, size * LIST_MS_EACH) : 0
  }

  get #isCrowd(): boolean {
    return this.#present.size > CROWD
  }

  get #count(): Attendance {
    return (this.#counted ??= { ...this.attendance, isCountOnly: true })
  }
}

/** So many of them, without looking at the others: a crowd asks this for each one who comes. */
function first<T>(values: Iterable<T>, count: number): T[] {
  const found: T[] = []
  for (const value of values) {
    if (found.length === count) break
    found.push(value)
  }
  return found
}
