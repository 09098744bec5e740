import type { Cursor } from './cursor.ts'
import type { Act } from './entries.ts'
import { type Member, type Message, type Refusal, type Room, refuse } from './types.ts'

/** How long a message can be edited. */
export const EDIT_MS = 15 * 60 * 1000

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

/** What has to be known of a room to say who may do what in it. */
export interface Facts {
  readonly room: Room
  /** Hosts who are members now. */
  readonly hosts: number
  /** The member of this id, as they are now. */
  member(id: string): Member | undefined
  /** The person of this id, if they are banned. */
  banned(id: string): Member | undefined
  /** The message of this place as it is now, if it is still kept. */
  message(of: Cursor): Message | undefined
  /** Milliseconds since a message was said, whatever the clock on the wall says. */
  age(message: Message): number
  /** Milliseconds since a member spoke last; infinite where they never did. */
  silence(id: string): number
}

/** Why a member may not do what they want to; undefined where they may. */
export function whyNot(act: Act, facts: Facts): Refusal | undefined {
  const by = facts.member(act.by)
  if (!by) return refuse('no-session')
  if (by.isWaiting) return refuse('waiting')
  if (act.kind === 'message') return whyNotSpeak(by, facts) ?? whyNotYet(by, facts)
  if (act.kind === 'edited') return whyNotSpeak(by, facts) ?? whyNotEdit(act.of, by, facts)
  if (act.kind === 'deleted') return whyNotDelete(act.of, by, facts)
  if (by.role !== 'host') return refuse('not-allowed')
  return act.kind === 'member' ? whyNotChange(act, facts) : undefined
}

function whyNotSpeak(by: Member, { room }: Facts): Refusal | undefined {
  if (by.isMuted) return refuse('muted')
  return room.isReadOnly && by.role !== 'host' ? refuse('read-only') : undefined
}

/** In a room that is slowed down, whoever is no host waits between two messages. */
function whyNotYet(by: Member, facts: Facts): Refusal | undefined {
  const { slow } = facts.room
  if (slow === 0 || by.role === 'host') return undefined
  const left = slow * SECOND_MS - facts.silence(by.id)
  return left > 0 ? refuse('slow-mode', { limit: slow, retryAfter: Math.ceil(left / SECOND_MS) }) : undefined
}

function whyNotEdit(of: Cursor, by: Member, facts: Facts): Refusal | undefined {
  const message = facts.message(of)
  if (!message || message.isDeleted) return refuse('message-unknown')
  if (message.member !== by.id) return refuse('not-allowed')
  return facts.age(message) > EDIT_MS ? refuse('too-late', { limit: EDIT_MS / MINUTE_MS }) : undefined
}

function whyNotDelete(of: Cursor, by: Member, facts: Facts): Refusal | undefined {
  const message = facts.message(of)
  if (!message) return refuse('message-unknown')
  return message.member === by.id || by.role === 'host' ? undefined : refuse('not-allowed')
}

/** A room keeps a host, as long as its hosts do not leave by themselves. */
function whyNotChange({ id, change }: Act & { kind: 'member' }, facts: Facts): Refusal | undefined {
  const member = change === 'unban' ? facts.banned(id) : facts.member(id)
  if (!member) return refuse('member-unknown')
  const isUnhosted = change === 'unhost' || change === 'remove' || change === 'ban'
  return isUnhosted && member.role === 'host' && facts.hosts === 1 ? refuse('last-host') : undefined
}
