import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { serve, type TestServer } from './support/server.ts'
import { needing } from './support/tools.ts'
import { VISITOR_SECRET } from './support/vouch.ts'

interface Person {
  readonly id: string | number
  readonly name: string
}

/** Makes a link as an example does. */
type Link = (chat: string, room: string, person: Person, secret: string) => Promise<string>

// As programs of other sites have them: a number, and letters that need care on their way.
const ZOE: Person = { id: 17, name: 'Zoë "Z" O’Hara/+ 日本' }

const run = promisify(execFile)
const test = suite<{ server: TestServer }>('vouching')

test.before(async (context) => {
  context.server = await serve({
    fixed: [{ code: 'lobby', title: '' }],
    visitorSecrets: [VISITOR_SECRET],
    report: () => {},
  })
})
test.after(({ server }) => server.stop())

test('a link that a Node program makes brings its person in, once', async ({ server }) => {
  const example = (await import(exampleOf('visitor.mjs').href)) as { visitorLink: (...given: unknown[]) => string }
  await leads(server, async (...given) => example.visitorLink(...given))
})

needing('python3', test)('a link that a Python program makes brings its person in, once', async ({ server }) => {
  const folder = fileURLToPath(exampleOf('.'))
  const program = `import json, sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1]); from visitor import visitor_link; print(visitor_link(*json.loads(sys.argv[2])), end="")`
  await leads(server, async (...given) => {
    return (await run('python3', ['-c', program, folder, JSON.stringify(given)])).stdout
  })
})

needing('php', test)('a link that a PHP program makes brings its person in, once', async ({ server }) => {
  const program = 'require $argv[1]; echo visitor_link(...json_decode($argv[2], true));'
  await leads(server, async (...given) => {
    return (await run('php', ['-r', program, fileURLToPath(exampleOf('visitor.php')), JSON.stringify(given)])).stdout
  })
})

async function leads(server: TestServer, link: Link): Promise<void> {
  const url = await link(server.url, 'lobby', ZOE, VISITOR_SECRET)
  const open = (address: string) => fetch(address, { headers: { Accept: 'application/json' } })
  const answer = await open(url)
  assert.is(answer.status, 200)
  const { member } = (await answer.json()) as { member: { id: string; name: string } }
  assert.is(member.name, ZOE.name)
  assert.is((await open(url)).status, 401)
  const again = await open(await link(server.url, 'lobby', ZOE, VISITOR_SECRET))
  assert.is(((await again.json()) as { member: { id: string } }).member.id, member.id)
  assert.is((await open(await link(server.url, 'lobby', ZOE, 'another secret than theirs'))).status, 401)
}

function exampleOf(name: string): URL {
  return new URL(`./examples/${name}`, import.meta.url)
}

test.run()
