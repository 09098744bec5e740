import { createHmac, randomUUID } from 'node:crypto'
import { Buffer } from 'node:buffer'

/** The link by which somebody who is signed in at your site comes into a room. Make it when they follow it: it is good for five minutes, and once. */
export function visitorLink(chat, room, person, secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 300
  const claims = { sub: String(person.id), name: person.name, room, exp, jti: randomUUID() }
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${chat}/rooms/${room}?visitor=${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}
