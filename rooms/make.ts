import { randomBytes } from 'node:crypto'
import { makeCode } from './code.ts'
import { own } from './own.ts'
import { type Member, type Role, type Room, UNCHANGED } from './types.ts'

/** What tells a room that always exists from any other: it is the same one after a restart. */
export const FIXED_GENERATION = 'fixed'

/** Somebody new, with an id that says nothing. */
export function makeMember(name: string, role: Role): Member {
  return { id: randomBytes(6).toString('hex'), name: own(name), role }
}

/** A room as it begins, with a code that nobody guesses. */
export function makeRoom(title: string, created: number): Room {
  return { ...UNCHANGED, code: makeCode(), title, created, generation: randomBytes(6).toString('base64url') }
}
