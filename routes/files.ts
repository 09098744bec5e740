import { Buffer } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import type { Hono } from 'hono'
import { files as built } from '../static/built.ts'
import type { Ask, Env } from './guard/site.ts'

const HEADERS = { 'Cache-Control': 'max-age=31536000, immutable', 'X-Content-Type-Options': 'nosniff' }
// A page from before an upgrade, or from another server, has the hash of another version in its names.
const HASH = /-[\w-]{10}(?=\.\w+$)/
// A host may have other files below its own `/static`.
const NAME = `:name{(?:${[...new Set(built.map(({ name }) => name.replace(HASH, '').split('.')[0]))].join('|')})-[\\w-]{10}\\.\\w+}`

interface File {
  readonly type: string
  readonly bodies: Readonly<Record<'br' | 'gzip' | 'identity', Uint8Array<ArrayBuffer>>>
}

/** The stylesheet, the scripts and the icon, packed when the project was built, under names that carry their hash. */
export function files(app: Hono<Env>): void {
  const named = new Map(built.map(({ name, type, br, gzip }) => [name, { type, bodies: unpack({ br, gzip }) }]))
  const newest = new Map([...named].map(([name, file]) => [name.replace(HASH, ''), file]))
  app.get(`/static/${NAME}`, async (c, next) => {
    const name = c.req.param('name') ?? ''
    const file = named.get(name)
    if (file) return serve(c, file)
    const other = newest.get(name.replace(HASH, ''))
    return other ? serve(c, other, { 'Cache-Control': 'no-store' }) : next()
  })
  app.get('/own/:name{[0-9a-f]+\\.css}', (c) => {
    const own = c.req.param('name').slice(0, -'.css'.length)
    return c.body(ownStyle(own), 200, { 'Content-Type': 'text/css', ...HEADERS })
  })
}

/** What makes a member's own messages look own: everyone gets the same HTML, and each their own few rules. */
function ownStyle(member: string): string {
  return `.message[data-member="${member}"]{--side:end;--paper:var(--own)}`
}

function serve(c: Ask, { type, bodies }: File, more?: Record<string, string>): Response {
  const accepted = c.req.header('accept-encoding') ?? ''
  const encoding = accepts(accepted, 'br') ? 'br' : accepts(accepted, 'gzip') ? 'gzip' : 'identity'
  if (encoding !== 'identity') c.header('Content-Encoding', encoding)
  return c.body(bodies[encoding], 200, { 'Content-Type': type, Vary: 'Accept-Encoding', ...HEADERS, ...more })
}

function accepts(header: string, encoding: string): boolean {
  return header.split(',').some((part) => {
    const [name, quality] = part.split(';').map((text) => text.trim().toLowerCase())
    return name === encoding && !/^q=0(\.0*)?$/.test(quality ?? '')
  })
}

function unpack(texts: Record<'br' | 'gzip', string>): File['bodies'] {
  const gzip = Buffer.from(texts.gzip, 'base64')
  const [br, identity] = [Buffer.from(texts.br, 'base64'), gunzipSync(gzip)]
  return { br: new Uint8Array(br), gzip: new Uint8Array(gzip), identity: new Uint8Array(identity) }
}
