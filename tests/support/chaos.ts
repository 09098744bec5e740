import { setImmediate } from 'node:timers'
import type { Act } from '../../rooms/entries.ts'
import type { Bus, Hint } from '../../rooms/stores/bus.ts'
import type { Store } from '../../rooms/stores/store.ts'
import type { Member, Room } from '../../rooms/types.ts'
import type { Random } from '../faults/random.ts'

/** A failure that a test wanted. */
export class Wanted extends Error {
  override readonly name = 'Wanted'
}

/** What takes its time, and in which order things end is left to chance; until it is told to be calm. */
class Chaos {
  protected readonly random: Random
  #most: number
  #underWay = new Set<Promise<unknown>>()
  #isCalm = false
  #late = 0

  constructor(random: Random, turns: number) {
    this.random = random
    this.#most = turns
  }

  get isCalm(): boolean {
    return this.#isCalm
  }

  /** Whether something is put off to a later turn. */
  get isLate(): boolean {
    return this.#late > 0
  }

  /** From now on everything is done at once, in order and without fault. What is under way goes on as it began. */
  calm(): void {
    this.#isCalm = true
  }

  /** From now on it is left to chance again. */
  stir(): void {
    this.#isCalm = false
  }

  /** Settles once nothing is under way any more, nor what that brought about. */
  async idle(): Promise<void> {
    do {
      await Promise.allSettled(this.#underWay)
      await nextTurn()
    } while (this.#underWay.size > 0)
  }

  /** Some turns of the event loop, or none. */
  protected async wait(): Promise<void> {
    this.#late += 1
    for (let turns = this.random.whole(0, this.#most + 1); turns > 0; turns -= 1) await nextTurn()
    this.#late -= 1
  }

  protected watch<T>(act: Promise<T>): Promise<T> {
    this.#underWay.add(act)
    const done = () => this.#underWay.delete(act)
    act.then(done, done)
    return act
  }
}

export interface ChaosStoreOptions {
  readonly random: Random
  /** Turns of the event loop that a call waits at most before it is done, and again before it is answered. */
  readonly turns?: number
  /** The share of calls that are rejected: half of them before, half of them after they were done. */
  readonly failing?: number
}

/** A store whose calls are done and answered late and out of order, and fail. */
export class ChaosStore extends Chaos implements Store {
  /** Calls that were rejected. */
  failed = 0
  #store: Store
  #failing: number
  /** Settles once the last act that a member asked for may be done. */
  #turns = new Map<string, Promise<unknown>>()

  constructor(store: Store, { random, turns = 3, failing = 0.1 }: ChaosStoreOptions) {
    super(random, turns)
    this.#store = store
    this.#failing = failing
  }

  get isDurable(): boolean {
    return this.#store.isDurable
  }

  check() {
    return this.#call(() => this.#store.check())
  }

  create(room: Room, first: Member) {
    return this.#call(() => this.#store.create(room, first))
  }

  establish(room: Room) {
    return this.#call(() => this.#store.establish(room))
  }

  find(code: string) {
    return this.#call(() => this.#store.find(code))
  }

  touch(code: string) {
    return this.#call(() => this.#store.touch(code))
  }

  expire(milliseconds: number, except?: ReadonlySet<string>) {
    return this.#call(() => this.#store.expire(milliseconds, except))
  }

  remove(code: string) {
    return this.#call(() => this.#store.remove(code))
  }

  admit(code: string, member: Member) {
    return this.#call(() => this.#store.admit(code, member))
  }

  member(code: string, id: string) {
    return this.#call(() => this.#store.member(code, id))
  }

  missing(code: string, ids: readonly string[]) {
    return this.#call(() => this.#store.missing(code, ids))
  }

  mark(code: string, here: ReadonlyMap<string, boolean>) {
    return this.#call(() => this.#store.mark(code, here))
  }

  isTaken(code: string, name: string) {
    return this.#call(() => this.#store.isTaken(code, name))
  }

  vouch(...[code, visitor, arrival]: Parameters<Store['vouch']>) {
    return this.#call(() => this.#store.vouch(code, visitor, arrival))
  }

  dismiss(code: string, id: string) {
    return this.#call(() => this.#store.dismiss(code, id))
  }

  append(code: string, act: Act) {
    if (this.isCalm) return this.#store.append(code, act)
    // What one member asks for first is numbered first, as a store promises: late, and not out of order.
    const turn = Promise.all([this.#turns.get(act.by), this.wait()])
    this.#turns.set(act.by, turn)
    return this.watch(this.#disturb(() => this.#store.append(code, act), turn))
  }

  messages(code: string, query: Parameters<Store['messages']>[1]) {
    return this.#call(() => this.#store.messages(code, query))
  }

  entries(code: string, query: Parameters<Store['entries']>[1]) {
    return this.#call(() => this.#store.entries(code, query))
  }

  close() {
    return this.#store.close()
  }

  #call<T>(act: () => Promise<T>): Promise<T> {
    return this.isCalm ? act() : this.watch(this.#disturb(act))
  }

  async #disturb<T>(act: () => Promise<T>, turn: Promise<unknown> = this.wait()): Promise<T> {
    const chance = this.random.next()
    await turn
    if (chance < this.#failing / 2) this.#fail('before it was done')
    const done = await act()
    await this.wait()
    if (chance < this.#failing) this.#fail('after it was done')
    return done
  }

  #fail(when: string): never {
    this.failed += 1
    throw new Wanted(`a call failed ${when}`)
  }
}

export interface ChaosBusOptions {
  readonly random: Random
  /** Turns of the event loop that a hint is late at most. */
  readonly turns?: number
  /** The share of hints that are lost, and of those that come twice. */
  readonly lost?: number
  readonly doubled?: number
}

/** A bus whose hints come late and out of order, twice or never. */
export class ChaosBus extends Chaos implements Bus {
  /** Hints that were lost. */
  dropped = 0
  #bus: Bus
  #lost: number
  #doubled: number

  constructor(bus: Bus, { random, turns = 3, lost = 0.2, doubled = 0.2 }: ChaosBusOptions) {
    super(random, turns)
    this.#bus = bus
    this.#lost = lost
    this.#doubled = doubled
  }

  hint(code: string, hint: Hint): void {
    if (this.isCalm) return this.#bus.hint(code, hint)
    const chance = this.random.next()
    if (chance < this.#lost) {
      this.dropped += 1
      return
    }
    const times = chance < this.#lost + this.#doubled ? 2 : 1
    for (let count = 0; count < times; count += 1) void this.watch(this.#hintLater(code, hint))
  }

  listen(code: string, listener: (hint: Hint) => void): () => void {
    return this.#bus.listen(code, listener)
  }

  async #hintLater(code: string, hint: Hint): Promise<void> {
    await this.wait()
    this.#bus.hint(code, hint)
  }
}

function nextTurn(): Promise<void> {
  return new Promise<void>((resolve) => void setImmediate(resolve))
}
