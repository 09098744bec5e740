import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { gather, speechOf } from './people.mjs'
import { compile, here, pinned } from './tools.mjs'

export const program = compile('crowd')
let lists = 0

/**
 * Members on the second core, as one cheap process.
 * @param members what each is: `{room, posts, path, header}`
 * @param speech `hello`, the first frame of each, and `post`, a frame that says something
 */
export class Crowd {
  #child
  #answers
  #ended
  #words = ''

  constructor(server, members, speech, concurrency = 32) {
    const list = `${here}build/members-${process.pid}-${lists++}`
    writeFileSync(
      list,
      members.map(({ room, posts, path, header = '' }) => [room, Number(posts), path, header].join('\t')).join('\n'),
    )
    const [name, ...values] = pinned(1, [
      program,
      String(server.port),
      list,
      speech.hello,
      speech.post,
      String(concurrency),
    ])
    this.server = server
    this.#child = spawn(name, values, { stdio: 'pipe' })
    this.#ended = once(this.#child, 'close').finally(() => rmSync(list))
    // What is still written to one that has ended is answered by its end.
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.setEncoding('utf8').on('data', (words) => (this.#words += words))
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /**
   * Gives a command and waits for its answer; `load/crowd.c` says which there are. Rejects where the crowd has ended,
   * as it does when a server closes a socket, with what it said last.
   */
  async ask(...words) {
    this.#child.stdin.write(`${words.join(' ')}\n`)
    const { value, done } = await this.#answers.next()
    if (!done) return JSON.parse(value)
    await this.#ended
    throw new Error(this.#words.trim() || `the crowd ended at "${words.join(' ')}"`)
  }

  /** Opens sockets until there are so many, and waits until the last of them gets what is said from then on. */
  async open(count) {
    await this.ask('open', count)
    await sleep(500)
  }

  /** CPU that the server uses while something is done, in milliseconds. */
  async cpuOf(work) {
    const before = await this.ask('cpu', this.server.pid)
    const answer = await work()
    const after = await this.ask('cpu', this.server.pid)
    return { ...answer, cpu: after.ms - before.ms }
  }

  /**
   * So many messages a second in all, for so long: microseconds of the server's CPU a delivery, and milliseconds from a post to its
   * last member.
   */
  async pace(rate, milliseconds) {
    const { cpu, deliveries, p50, p99 } = await this.cpuOf(() => this.ask('pace', rate, milliseconds))
    return { cost: (cpu * 1000) / deliveries, p50, p99 }
  }

  async leave() {
    this.#child.stdin.end()
    await this.#ended
  }

  /** The same, and the end of its server. */
  async end() {
    await this.leave()
    await this.server.stop()
  }
}

/** Starts a server and fills it with members; where that fails nothing is left running. */
export async function fill(start, room) {
  const server = await start()
  try {
    const members = await gather(server, room)
    const crowd = new Crowd(server, members, speechOf(server))
    await crowd.open(members.length)
    return crowd
  } catch (error) {
    await server.stop()
    throw error
  }
}
