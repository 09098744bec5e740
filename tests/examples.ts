import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Jar } from './support/jar.ts'
import { Line } from './support/line.ts'
import { run } from './support/program.ts'
import { Stream } from './support/stream.ts'

const FOLDER = new URL('examples/', import.meta.url)
const LINES = 30

const test = suite('examples')
// What else is there has tests of its own: `vouching` and `running`.
const names = ['node.mjs', 'express-like.mjs', 'deno.ts']
const isDeno = 'deno' in process.versions

test('an example is thirty lines at the most', async () => {
  for (const name of names) {
    const text = await readFile(new URL(name, FOLDER), 'utf8')
    assert.ok(text.trimEnd().split('\n').length <= LINES, name)
  }
})

for (const name of names.filter((name) => name.endsWith('.mjs') || isDeno)) {
  test(`${name} is a site with a chat that is live, and says goodbye`, async () => {
    const { child, ready, ended } = run(fileURLToPath(new URL(name, FOLDER)), [], { PORT: '0' })
    const { origin } = new URL(await ready)
    const jar = new Jar(origin)
    assert.match(await (await jar.get('/')).text(), 'My site')
    assert.match(await (await jar.get('/chat')).text(), 'action="/chat/rooms"')
    const room = new URL((await jar.post('/chat/rooms', { name: 'ann' })).url).pathname
    const own = { Cookie: jar.cookiesFor(`${room}/socket`), Origin: origin }
    const line = await Line.open(`${origin.replace('http', 'ws')}${room}/socket`, own)
    line.send({ since: '' })
    await line.frame('id="since"')
    const stream = new Stream(await jar.get(`${room}/events`))
    await jar.post(`${room}/messages`, { text: 'hello' })
    await Promise.all([line.count(1), stream.has('hello')])
    process.kill(child.pid as number, 'SIGTERM')
    assert.is(await line.closed, 1012)
    await stream.ended
    const { code, err } = await ended
    assert.equal([code, err], [0, ''])
  })
}

test.run()
