import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { Buffer } from 'node:buffer'

/** A password is no longer than this: hashing takes time that grows with it. */
export const PASSWORD_UNITS = 128
const SALT_BYTES = 12
const HASH_BYTES = 24
// A guess costs 10 ms and 4 MB, so that trying many takes long and asking for one does not.
const COST = { N: 4096, r: 8, p: 1 }

/** What is kept of a password: a salt and its hash (RFC 7914); nothing of an empty one. */
export async function hashPassword(password: string): Promise<string> {
  if (password === '') return ''
  const salt = randomBytes(SALT_BYTES)
  return `${salt.toString('base64url')}.${(await hash(password, salt)).toString('base64url')}`
}

/** Whether a password is the one that this was made of. */
export async function isPassword(password: string, kept: string): Promise<boolean> {
  if (password.length > PASSWORD_UNITS) return false
  const [salt, expected] = kept.split('.').map((part) => Buffer.from(part, 'base64url'))
  return timingSafeEqual(await hash(password, salt), expected)
}

function hash(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, COST, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
