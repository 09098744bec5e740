import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { Rooms } from '../rooms/rooms.ts'
import type { Event, Member } from '../rooms/types.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear } from './support/ear.ts'
import { SEED } from './support/seed.ts'

// More than one page of a catch-up, and little enough to be outrun by a burst.
const HISTORY = 150
const PEOPLE = 4

type Act =
  | { readonly act: 'post'; readonly who: number; readonly key: number }
  | { readonly act: 'burst'; readonly count: number }
  | { readonly act: 'connect' | 'leave'; readonly who: number }
  | { readonly act: 'break' | 'resume' | 'stall' | 'unstall'; readonly which: number }
  | { readonly act: 'turn' | 'restart' }

/** What the model knows of one connection: the number that it must be sent next, if that can be known. */
interface Reader {
  readonly ear: Ear
  readonly since: string
  readonly from: number | undefined
  /** The oldest that was kept when it came: that follows a gap whose length nobody can know. */
  readonly kept: number
  resume: () => void
}

const test = suite('model')

test('whoever comes, talks, repeats, breaks, stalls, resumes and leaves: all is seen once and in order, or told as gone', async () => {
  const who = fc.nat(PEOPLE - 1)
  const which = fc.nat(20)
  const act: fc.Arbitrary<Act> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ act: fc.constant('post' as const), who, key: fc.nat(8) }) },
    {
      weight: 2,
      arbitrary: fc.record({ act: fc.constant('burst' as const), count: fc.integer({ min: 1, max: 400 }) }),
    },
    { weight: 4, arbitrary: fc.record({ act: fc.constant('connect' as const), who }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('leave' as const), who }) },
    {
      weight: 8,
      arbitrary: fc.record({
        act: fc.constantFrom('break' as const, 'resume' as const, 'stall' as const, 'unstall' as const),
        which,
      }),
    },
    { weight: 4, arbitrary: fc.constant({ act: 'turn' as const }) },
    { weight: 1, arbitrary: fc.constant({ act: 'restart' as const }) },
  )
  try {
    await fc.assert(fc.asyncProperty(fc.array(act, { maxLength: 60, size: 'max' }), play), {
      seed: SEED,
      numRuns: 200,
      includeErrorInReport: true,
    })
  } catch (error) {
    throw new Error(`with SEED=${SEED}: ${(error as Error).message}`, { cause: error })
  }
})

async function play(acts: readonly Act[]): Promise<void> {
  const room = await Model.open()
  for (const one of acts) await room.play(one)
  await room.settle()
}

/** A room, and the few lines of what must hold in it. */
class Model {
  #clock = new TestClock()
  #rooms = this.#house()
  #code = ''
  #title = ''
  #people: Member[] = []
  #left = new Set<Member>()
  /** What was said in this history, in order. */
  #record: string[] = []
  #keys = new Map<string, number>()
  #readers: Reader[] = []
  #broken: { readonly member: Member; readonly since: string; readonly from: number | undefined }[] = []
  #text = 0

  static async open(): Promise<Model> {
    const model = new Model()
    const created = await model.#rooms.create('', 'person 0')
    if (!created.ok) throw new Error(created.refusal)
    model.#code = created.room.code
    model.#people.push(created.member)
    // The last one only bursts: a key is remembered for so many messages of its own member.
    for (let number = 1; number <= PEOPLE; number += 1) await model.#join(`person ${number}`)
    return model
  }

  async play(one: Act): Promise<void> {
    if (one.act === 'post') await this.#post(this.#people[one.who], `key ${one.key}`)
    if (one.act === 'burst')
      for (let count = 0; count < one.count; count += 1) await this.#post(this.#people[PEOPLE], '')
    if (one.act === 'connect') this.#connect(this.#people[one.who], '', this.#record.length + 1)
    if (one.act === 'leave') await this.#leave(one.who)
    if (one.act === 'turn') await turn()
    if (one.act === 'restart') await this.#restart()
    if (one.act === 'resume') {
      const broken = this.#pick(this.#broken, one.which)
      if (broken && !this.#left.has(broken.member)) this.#connect(broken.member, broken.since, broken.from)
    }
    const reader = 'which' in one ? this.#pick(this.#readers, one.which) : undefined
    if (reader && one.act === 'break') this.#break(reader)
    if (reader && one.act === 'stall') {
      reader.resume()
      reader.resume = reader.ear.stall()
    }
    if (reader && one.act === 'unstall') reader.resume()
  }

  /** Once all is quiet, everyone who is connected has seen everything. */
  async settle(): Promise<void> {
    for (const { resume } of this.#readers) resume()
    for (let count = 0; count < 3; count += 1) await turn()
    for (const reader of this.#readers) assert.is(this.#next(reader), this.#record.length + 1, 'all has come')
  }

  async #post(member: Member, key: string): Promise<void> {
    this.#text += 1
    const text = `text ${this.#text}`
    const known = key && this.#keys.get(`${member.id} ${key}`)
    const posted = await this.#rooms.post(this.#code, member, { text, key })
    if (!posted.ok) throw new Error(posted.refusal)
    assert.is(posted.repeated, Boolean(known), 'a key is used once')
    assert.is(posted.message.seq, known || this.#record.length + 1, 'numbers are dense')
    if (known) return
    this.#record.push(text)
    if (key) this.#keys.set(`${member.id} ${key}`, posted.message.seq)
  }

  #connect(member: Member, since: string, from: number | undefined): void {
    const ear = new Ear(member)
    const kept = Math.max(this.#record.length - HISTORY, 0) + 1
    this.#readers.push({ ear, since, from, kept, resume: () => {} })
    this.#rooms.enter(this.#code, ear)
    void this.#rooms.connect(this.#code, ear, since)
  }

  #break(reader: Reader): void {
    const from = this.#next(reader)
    // One that was cut before it heard anything asks again as it did before, from wherever that is by then.
    if (reader.ear.cursor || reader.since) {
      this.#broken.push({ member: reader.ear.member, since: reader.ear.cursor || reader.since, from })
    }
    reader.resume()
    reader.ear.close('restart')
    this.#rooms.disconnect(this.#code, reader.ear)
    this.#readers = this.#readers.filter((other) => other !== reader)
  }

  async #leave(who: number): Promise<void> {
    const member = this.#people[who]
    await this.#rooms.leave(this.#code, member.id)
    this.#left.add(member)
    for (const reader of this.#readers.filter(({ ear }) => ear.member === member)) {
      assert.is(reader.ear.farewell, 'removed')
      this.#break(reader)
    }
    const late = await this.#rooms.post(this.#code, member, { text: 'late', key: '' })
    assert.is(!late.ok && late.refusal, 'no-session')
    await this.#join(member.name, who)
  }

  /** The server forgets everything; the members have their sessions. */
  async #restart(): Promise<void> {
    for (const reader of [...this.#readers]) this.#break(reader)
    await this.#clock.pass(1)
    const issued = { at: this.#clock.now(), start: '', elapsed: 0, isEarlier: true }
    this.#rooms = this.#house()
    for (const member of this.#people) {
      assert.equal(await this.#rooms.recognise({ room: this.#code, title: this.#title, member, issued }), member)
    }
    this.#record = []
    this.#keys.clear()
    // Their places are in a history that is gone: all that is kept follows, behind a gap.
    this.#broken = this.#broken.map(({ member, since }) => ({ member, since, from: undefined }))
  }

  async #join(name: string, who = this.#people.length): Promise<void> {
    const joined = await this.#rooms.join(this.#code, name)
    if (!joined.ok) throw new Error(joined.refusal)
    this.#people[who] = joined.member
  }

  /** Walks through what a connection was sent; the number that must come next. */
  #next({ ear, from, kept }: Reader): number | undefined {
    let next = from
    for (const event of ear.events) next = this.#after(event, next, kept)
    return next
  }

  #after(event: Event, next: number | undefined, kept: number): number | undefined {
    if (event.kind === 'gap') {
      assert.is(event.missed === undefined, next === undefined, 'how many are gone is told where it can be known')
      return next === undefined ? kept : next + (event.missed ?? 0)
    }
    if (event.kind !== 'message') return next
    assert.is(event.seq, next, 'nothing is missing, twice or out of order')
    assert.is(event.text, this.#record[event.seq - 1], 'it is what was said')
    return event.seq + 1
  }

  #pick<T>(from: readonly T[], which: number): T | undefined {
    return from[which % from.length]
  }

  #house(): Rooms {
    const store = new MemoryStore({ history: HISTORY, bytes: 1_000_000 })
    return new Rooms({ store, ttl: 1e9, areRatesLimited: false, clock: this.#clock })
  }
}

test.run()
