import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { refuse } from '../../rooms/types.ts'
import type { SiteResult } from './refusals.ts'
import { bearer } from './session.ts'
import type { Ask } from './site.ts'

const BODY_BYTES = 64 * 1024
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Fields as they were sent: texts only. */
export type Fields = Readonly<Record<string, string>>

/**
 * Reads the body of a post: a form, or JSON from a program. Refuses what cannot be read.
 * JSON comes with a token, or from somebody who has no session yet: a page elsewhere cannot use a cookie with it.
 */
export async function readFields(c: Ask): Promise<SiteResult<{ fields: Fields }>> {
  const type = c.req.header('content-type')?.split(';')[0].trim().toLowerCase() ?? ''
  try {
    const bytes = await readBytes(c)
    if (!bytes) return refuse('body-too-large')
    const body = utf8.decode(bytes)
    if (type === 'application/x-www-form-urlencoded') return found(parseForm(body))
    if (type === 'multipart/form-data') return found(await parseParts(body, c.req.header('content-type') ?? ''))
    if (type === 'application/json' && isFromProgram(c)) return fromJson(JSON.parse(body))
    return type === '' && body === '' ? { ok: true, fields: {} } : refuse('malformed')
  } catch {
    // Whatever a parser finds wrong with a body, the answer is the same; nothing else can throw here.
    return refuse('malformed')
  }
}

/** Reads at most 64 KiB, by the length where it is said and by counting anyway; undefined where there is more. */
async function readBytes(c: Ask): Promise<Uint8Array | undefined> {
  if (Number(c.req.header('content-length') ?? 0) > BODY_BYTES) return undefined
  // A web stream would cost five times as much for each part, and parts can be of one byte.
  return collect(c.env?.incoming ?? Readable.from(c.req.raw.body ?? []))
}

function collect(stream: Readable): Promise<Uint8Array | undefined> {
  // Parts are copied into one buffer: to keep a part of a single byte would take a hundred.
  let bytes = Buffer.alloc(1024)
  let size = 0
  return new Promise((resolve, reject) => {
    const take = (part: Uint8Array) => {
      const length = size + part.length
      if (length > BODY_BYTES) {
        stream.off('data', take).pause()
        return resolve(undefined)
      }
      if (length > bytes.length) bytes = Buffer.concat([bytes], Math.max(length, size * 2))
      bytes.set(part, size)
      size = length
    }
    stream.on('data', take).on('error', reject)
    stream.on('end', () => resolve(bytes.subarray(0, size)))
    stream.on('close', () => reject(new Error('the body was cut off')))
  })
}

/** Parses what a form or a program sent; throws where what is escaped in it is no text. */
function parseForm(body: string): URLSearchParams {
  for (const [escaped] of body.matchAll(/(?:%[0-9a-f]{2})+/gi)) decodeURIComponent(escaped)
  return new URLSearchParams(body)
}

function parseParts(body: string, type: string): Promise<FormData> {
  return new Response(body, { headers: { 'Content-Type': type } }).formData()
}

function isFromProgram(c: Ask): boolean {
  return bearer(c.req.header('authorization')) !== undefined || c.req.header('cookie') === undefined
}

function found(form: Iterable<[string, unknown]>): SiteResult<{ fields: Fields }> {
  const fields: Record<string, string> = Object.create(null)
  for (const [name, value] of form) {
    if (typeof value !== 'string') return refuse('malformed')
    fields[name] ??= value
  }
  return { ok: true, fields }
}

function fromJson(json: unknown): SiteResult<{ fields: Fields }> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse('malformed')
  return found(Object.entries(json).filter(([, value]) => value !== null))
}
