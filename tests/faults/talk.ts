import type { Line } from '../support/line.ts'
import { Person } from '../support/person.ts'

/** Some who talk with each other, and how long what they say takes to reach the others. */
export class Talk {
  /** Milliseconds from the request to each of the others, one a delivery. */
  delays: number[] = []
  said = 0
  #people: Person[] = []
  #lines: Line[] = []
  #timer: NodeJS.Timeout | undefined
  #padding: string

  private constructor(padding: string) {
    this.#padding = padding
  }

  static async begin(host: Person, size: number, perSecond: number, padding = ''): Promise<Talk> {
    const talk = new Talk(padding)
    for (let index = 0; index < size; index += 1) {
      const person = await Person.join(host.url, host.code, `t${index}`)
      talk.#people.push(person)
      talk.#lines.push(await person.listen())
    }
    for (const line of talk.#lines) {
      await line.frame('id="since"')
      line.socket.on('message', () => talk.#measure(line))
    }
    talk.#timer = setInterval(() => talk.#say(), 1000 / perSecond)
    return talk
  }

  /** What was measured since this was asked last. */
  take(): Summary {
    const delays = this.delays
    this.delays = []
    return summary(delays)
  }

  end(): void {
    clearInterval(this.#timer)
    for (const line of this.#lines) line.close()
  }

  #say(): void {
    const speaker = this.#lines[this.said++ % this.#lines.length]
    speaker.send({ text: `${performance.timeOrigin + performance.now()} ${this.#padding}` })
  }

  #measure(line: Line): void {
    const now = performance.timeOrigin + performance.now()
    for (const { text } of line.messages.splice(0)) this.delays.push(now - Number.parseFloat(text))
    line.frames.length = 0
  }
}

export interface Summary {
  readonly p50: number
  readonly p99: number
  readonly longest: number
  readonly deliveries: number
}

/** How long deliveries took, in milliseconds. */
export function summary(delays: readonly number[]): Summary {
  const sorted = [...delays].sort((one, other) => one - other)
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 10) / 10
  return { p50: at(0.5), p99: at(0.99), longest: at(1), deliveries: sorted.length }
}
