import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Person } from './support/person.ts'
import { serve } from './support/server.ts'
import { needing } from './support/tools.ts'

const all = suite('programs')
const test = needing('curl', all)

test('the lines that the README gives to programs post and listen when they are pasted', async () => {
  const server = await serve()
  const ann = await Person.create(server.url, 'ann', 'Title with "token":"x"')
  const pasted = paste(await linesFor(ann.room))
  await pasted.prints('\nid: ')
  await ann.say('hello robot')
  await ann.say('goodbye')
  await pasted.prints('goodbye')
  await server.stop()
  const { out, err, code } = await pasted.ended
  assert.equal([err, code], ['', 0])
  const [posted] = out.split('\n')
  assert.equal(JSON.parse(posted).text, 'Hello from a program')
  const heard = [...out.matchAll(/^data: (\{.*"text".*\})$/gm)].map(([, json]) => JSON.parse(json).text)
  assert.equal(heard, ['hello robot', 'goodbye'])
})

test('where one of them fails it says why', async () => {
  const server = await serve()
  const ann = await Person.create(server.url, 'ann')
  const gone = await paste(await linesFor(`${server.url}/rooms/ACD-EFG-HJK`)).ended
  assert.match(gone.out, '"code":"room-unknown"')
  assert.match(gone.err, /404/)
  assert.is.not(gone.code, 0)
  const taken = await paste((await linesFor(ann.room)).replace('name=robot', 'name=ann')).ended
  assert.match(taken.out, '"code":"name-taken"')
  assert.match(taken.out, '"code":"no-session"')
  assert.match(taken.err, /409[\s\S]*401/)
  await server.stop()
})

all.run()

/** The lines of the README, with the link of this room. */
async function linesFor(room: string): Promise<string> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const block = /## For programs[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  assert.match(block, /^room=\S+$/m)
  return block.replace(/^room=\S+$/m, `room=${room}`)
}

interface Pasted {
  /** Waits until this was printed. */
  prints(words: string): Promise<void>
  readonly ended: Promise<{ out: string; err: string; code: number | null }>
}

/** What a shell does with these lines. */
function paste(lines: string): Pasted {
  const shell = spawn('sh', ['-c', lines], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  shell.stdout.on('data', (text) => {
    out += text
  })
  shell.stderr.on('data', (text) => {
    err += text
  })
  const ended = new Promise<Awaited<Pasted['ended']>>((resolve) => {
    shell.once('close', (code) => resolve({ out, err, code }))
  })
  return {
    ended,
    async prints(words) {
      while (!out.includes(words)) await Promise.race([once(shell.stdout, 'data'), ended.then(fail)])
    },
  }
}

function fail({ out, err }: { out: string; err: string }): never {
  throw new Error(`the shell ended with ${out}${err}`)
}
