import type { Batch, Connection, Farewell, Format } from '../../rooms/fanout.ts'
import type { Attendance, Event, Gap, Member, Message, Notice } from '../../rooms/types.ts'

interface Heard {
  readonly events: Event[]
  readonly cursor: string
}

const text = new TextEncoder()

/** A format that can be read again. */
export const plainFormat: Format = {
  encode: ({ events, cursor }: Batch) => text.encode(`${JSON.stringify({ events, cursor })}\n`),
  sizeOf: (entry) => JSON.stringify(entry).length,
}

/** A connection that keeps what it was sent. */
export class Ear implements Connection {
  readonly member: Member
  readonly format: Format
  readonly frames: Heard[] = []
  seen = 0
  isClosed = false
  farewell: Farewell | undefined
  #drain: Promise<void> | undefined

  constructor(member: Member, format: Format = plainFormat) {
    this.member = member
    this.format = format
  }

  get events(): Event[] {
    return this.frames.flatMap(({ events }) => events)
  }

  get messages(): Message[] {
    return this.events.filter((event) => event.kind === 'message')
  }

  get texts(): string[] {
    return this.messages.map(({ text }) => text)
  }

  get seqs(): number[] {
    return this.messages.map(({ seq }) => seq)
  }

  get gaps(): Gap[] {
    return this.events.filter((event) => event.kind === 'gap')
  }

  get notices(): Notice[] {
    return this.events.filter((event) => event.kind === 'notice')
  }

  /** Who is here, as this connection was last told. */
  get attendance(): Attendance | undefined {
    return this.events.findLast((event) => event.kind === 'attendance')
  }

  /** The newest place that it was told. */
  get cursor(): string {
    return this.frames.at(-1)?.cursor ?? ''
  }

  /** From now on it reads only when the answer is called. */
  stall(): () => void {
    let resume = () => {}
    this.#drain = new Promise((resolve) => {
      resume = resolve
    })
    return resume
  }

  write(bytes: Uint8Array): void {
    if (!this.isClosed) this.frames.push(JSON.parse(new TextDecoder().decode(bytes)))
  }

  drained(): Promise<void> | undefined {
    return this.#drain
  }

  cut(): void {
    this.isClosed = true
  }

  close(farewell: Farewell): void {
    this.isClosed = true
    this.farewell = farewell
  }
}
