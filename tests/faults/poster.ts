import { setTimeout as pause } from 'node:timers/promises'
import type { Person } from '../support/person.ts'
import type { Reader } from './reader.ts'
import type { Record } from './record.ts'

const PATIENCE = 3000
const RETRY = 300

/** A member that says things in order, each under its own key, and again until it knows that it was heard. */
export class Poster {
  readonly person: Person
  /** Answered with 200 or 201, or seen by the sender. */
  readonly heard: string[] = []
  /** Answers that no sender should get. */
  readonly problems: string[] = []
  #record: Record
  #queue: string[] = []
  #reader: Reader | undefined
  #running: Promise<void> | undefined

  /** @param reader whose socket carries what is said; by HTTP where there is none */
  constructor(person: Person, record: Record, reader?: Reader) {
    this.person = person
    this.#record = record
    this.#reader = reader
  }

  say(text: string): void {
    this.#queue.push(text)
    this.#running ??= this.#run()
  }

  /** Settles once everything was heard. */
  async quiet(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    for (let text = this.#queue.shift(); text !== undefined; text = this.#queue.shift()) {
      const isHeard = this.#reader ? await this.#byFrame(this.#reader, text) : false
      if (!isHeard) await this.#byRequest(text)
      this.heard.push(text)
    }
    this.#running = undefined
  }

  /** A frame is not answered: the sender looks for its text in what it is shown. */
  async #byFrame(reader: Reader, text: string): Promise<boolean> {
    const seen = new Promise<true>((resolve) => {
      reader.onLine = (line) => {
        if ('text' in line && line.text === text) resolve(true)
      }
    })
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (reader.isOpen) reader.socket?.send(JSON.stringify({ text, key: text }))
      if (await Promise.race([seen, pause(PATIENCE / 2, false)])) return true
    }
    // What it said may be in a gap: only the answer to a request can tell.
    return false
  }

  async #byRequest(text: string): Promise<void> {
    while (!(await this.#ask(text))) await pause(RETRY)
  }

  async #ask(text: string): Promise<boolean> {
    try {
      const body = new URLSearchParams({ text, key: text })
      const response = await this.person.fetch('/messages', {
        method: 'POST',
        body,
        signal: AbortSignal.timeout(PATIENCE),
      })
      const json = await response.json()
      if (response.ok)
        this.#record.see({ seq: json.seq, cursor: json.cursor, text: json.text, at: Date.parse(json.at) })
      else if (response.status !== 503) this.problems.push(`${response.status} for ${text}`)
      return response.status !== 503
    } catch {
      // Cut, refused or too late: nobody knows whether it was heard, and the key makes it safe to say it again.
      return false
    }
  }
}
