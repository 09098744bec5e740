import { setTimeout as pause } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { type Line, messagesIn, type Seen } from './line.ts'
import { Person } from './person.ts'
import { eventsIn, Stream } from './stream.ts'
import { type Document, Jar, View } from './view.ts'

/** Somebody who reads in one way, and comes back however often they are sent away. */
interface Reader {
  readonly name: string
  /** The texts that have come, in order, through all that they were connected by. */
  seen(): string[]
  /** Comes once; settles when it is over. */
  come(): Promise<unknown>
}

// Between two tries, and between two looks.
const PAUSE_MS = 20
const TRIES = 500
const PATIENCE = 60_000
const WAYS = [bySocket, byEvents, byPage]

/** People in one room, on several servers that share it. They try again until they are served. */
export class Crowd {
  readonly code: string
  /** All that was said and accepted. */
  readonly said: string[] = []
  #people: Person[]
  #readers: Reader[]
  #isOver = false

  private constructor(people: Person[], readers: Reader[]) {
    this.#people = people
    this.#readers = readers
    this.code = people[0].code
    for (const reader of readers) void this.#follow(reader)
  }

  /** Brings together one for each way to read on each server. */
  static async gather(urls: readonly string[]): Promise<Crowd> {
    const people = [await served(() => Person.create(urls[0], 'ann'))]
    let tries = 0
    while (people.length < urls.length * WAYS.length) {
      const url = urls[people.length % urls.length]
      // One who was let in without an answer has the name.
      const join = () => Person.join(url, people[0].code, `person ${(tries += 1)}`)
      people.push(await served(join))
    }
    return new Crowd(people, await Promise.all(people.map((person, index) => WAYS[index % WAYS.length](person))))
  }

  /** Has everyone say so many things, each until it is accepted. */
  async talk(count: number): Promise<void> {
    const say = async (person: Person) => {
      for (let number = 1; number <= count; number += 1) {
        const text = `${person.name}: ${number}`
        await served(() => person.say(text, text))
        this.said.push(text)
      }
    }
    await Promise.all(this.#people.map(say))
  }

  /** What each of them has seen, once that is so many messages. Whoever is sent away from then on stays away. */
  async read(count: number): Promise<{ name: string; seen: string[] }[]> {
    const end = performance.now() + PATIENCE
    while (this.#readers.some((reader) => reader.seen().length < count) && performance.now() < end)
      await pause(PAUSE_MS)
    const all = this.#readers.map((reader) => ({ name: reader.name, seen: reader.seen() }))
    this.#isOver = true
    return all
  }

  async #follow(reader: Reader): Promise<void> {
    while (!this.#isOver) {
      await reader.come().catch(() => {})
      await pause(PAUSE_MS)
    }
  }
}

async function bySocket(person: Person): Promise<Reader> {
  const start = await placeOf(person)
  const lines: Line[] = []
  const last = () => lines.findLast(({ cursor }) => cursor !== '')?.cursor ?? start
  return {
    name: `${person.name}, by a socket`,
    seen: () => lines.flatMap(({ texts }) => texts),
    async come() {
      const line = await person.listen(last())
      lines.push(line)
      return line.closed
    },
  }
}

async function byEvents(person: Person): Promise<Reader> {
  const start = await placeOf(person)
  const streams: Stream[] = []
  const whole = () => streams.flatMap(({ text }) => eventsIn(text))
  const messages = () => whole().filter(({ event }) => event === 'message')
  return {
    name: `${person.name}, by events`,
    seen: () => messages().map(({ data }) => (JSON.parse(data) as Seen).text),
    async come() {
      const since = messages().at(-1)?.id ?? start
      const stream = new Stream(await person.fetch('/events', { headers: { 'Last-Event-ID': since } }))
      if (stream.status !== 200) return stream.close()
      streams.push(stream)
      return stream.ended
    },
  }
}

async function byPage(person: Person): Promise<Reader> {
  const view = await served(() => View.open(new Jar(person)))
  const documents: Document[] = []
  return {
    name: `${person.name}, by a growing page`,
    seen: () => [...linesOf(documents)].toSorted(([one], [other]) => one - other).map(([, text]) => text),
    async come() {
      const document = await view.ask()
      await document.begun()
      documents.push(document)
      await document.ended
      view.take(document)
    },
  }
}

/** The lines of all documents of a view, each of which shows what the one before had shown again, or what follows it. */
function linesOf(documents: readonly Document[]): Map<number, string> {
  const lines = new Map<number, string>()
  for (const { body } of documents) {
    const seqs = messagesIn(body).map(({ seq }) => seq)
    assert.equal(
      seqs,
      [...new Set(seqs)].toSorted((one, other) => one - other),
      'a document shows a line once, in order',
    )
    for (const { seq, text } of messagesIn(body)) lines.set(seq, text)
  }
  return lines
}

/** The newest place in the log, before anything was said. */
async function placeOf(person: Person): Promise<string> {
  const response = await served(async () => {
    const answer = await person.fetch('/messages')
    if (!answer.ok) throw new Error(await answer.text())
    return answer
  })
  return ((await response.json()) as { cursor: string }).cursor
}

/** Does something again until it is answered. */
async function served<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await ask()
    } catch (error) {
      if (left === 0) throw error
    }
    await pause(PAUSE_MS)
  }
}
