import { Line } from './line.ts'

interface Welcome {
  readonly room: { readonly code: string; readonly title: string }
  readonly member: { readonly id: string; readonly name: string }
  readonly token: string
}

export interface Said {
  readonly seq: number
  readonly cursor: string
  readonly key: string
  readonly member: string
  readonly name: string
  readonly text: string
  readonly at: string
}

/** Somebody who talks to a server as a program does: by HTTP with a token, and by sockets. */
export class Person {
  readonly url: string
  readonly code: string
  readonly id: string
  readonly name: string
  readonly token: string

  private constructor(url: string, { room, member, token }: Welcome) {
    this.url = url
    this.code = room.code
    this.id = member.id
    this.name = member.name
    this.token = token
  }

  /** Makes a room. */
  static async create(url: string, name: string, title = ''): Promise<Person> {
    return new Person(url, await welcome(`${url}/rooms`, { name, title }))
  }

  /** Joins a room by its code. */
  static async join(url: string, code: string, name: string): Promise<Person> {
    return new Person(url, await welcome(`${url}/join`, { code, name }))
  }

  get room(): string {
    return `${this.url}/rooms/${this.code}`
  }

  /** Asks something about the room; the path begins with a slash or is empty. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { Accept: 'application/json', Authorization: `Bearer ${this.token}`, ...init.headers }
    return fetch(this.room + path, { redirect: 'manual', ...init, headers })
  }

  /** Says something; throws where that is refused. */
  async say(text: string, key = ''): Promise<Said> {
    const response = await this.fetch('/messages', { method: 'POST', body: new URLSearchParams({ text, key }) })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    return (await response.json()) as Said
  }

  /** Opens a socket and asks for what follows a cursor; empty for only what comes. */
  async listen(since = ''): Promise<Line> {
    const line = await this.connect()
    line.send({ since })
    return line
  }

  /** Opens a socket and asks for nothing yet. */
  connect(): Promise<Line> {
    return Line.open(`${this.room.replace(/^http/, 'ws')}/socket`, { Authorization: `Bearer ${this.token}` })
  }
}

async function welcome(url: string, fields: Record<string, string>): Promise<Welcome> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Accept: 'application/json' },
    body: new URLSearchParams(fields),
  })
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as Welcome
}
