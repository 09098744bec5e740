import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'

export const VISITOR_SECRET = 'a visitor secret of the tests'

/** Signs claims as another site does. */
export function signed(claims: object, secret = VISITOR_SECRET, header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const body = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}
