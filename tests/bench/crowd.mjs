import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
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
    this.#child = spawn(name, values, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** Gives a command and waits for its answer; `load/crowd.c` says which there are. */
  async ask(...words) {
    this.#child.stdin.write(`${words.join(' ')}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the crowd of ${this.server.name} ended at "${words.join(' ')}"`)
    return JSON.parse(value)
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

  async leave() {
    this.#child.stdin.end()
    await once(this.#child, 'exit')
  }
}
