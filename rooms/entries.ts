import type { Cursor } from './cursor.ts'
import type { Entry, Member, MemberChange, MemberChanged, Message, Room, RoomSettings } from './types.ts'

interface Doing {
  /** The id of the member who does it. */
  readonly by: string
  /** When; a store never lets time run backwards in a room. */
  readonly at: number
}

/** What a member does to a room, before it is an entry of its log. */
export type Act =
  | (Doing & { readonly kind: 'message'; readonly key: string; readonly text: string })
  | (Doing & { readonly kind: 'edited'; readonly of: Cursor; readonly text: string })
  | (Doing & { readonly kind: 'deleted'; readonly of: Cursor })
  | (Doing & {
      readonly kind: 'member'
      readonly id: string
      readonly change: MemberChange
      /** How long a ban holds; for good where it is left out. */
      readonly milliseconds?: number
    })
  | (Doing & { readonly kind: 'room'; readonly change: Partial<RoomSettings> })
  | (Doing & { readonly kind: 'cleared' })

/**
 * What a room is to whoever reads its log. Members also join and leave by themselves, which is no entry: `members` is
 * right about those whom an entry speaks of, until they leave.
 */
export interface State {
  readonly room: Room
  readonly members: ReadonlyMap<string, Member>
  readonly messages: readonly Message[]
}

/** The state after an entry. */
export function apply(state: State, entry: Entry): State {
  switch (entry.kind) {
    case 'message':
      return { ...state, messages: [...state.messages, entry] }
    case 'edited':
    case 'deleted':
      return { ...state, messages: state.messages.map((one) => (one.seq === entry.message.seq ? entry.message : one)) }
    case 'member':
      return { ...state, members: membersAfter(state.members, entry.member, entry.change) }
    case 'room':
      return { ...state, room: entry.room }
    case 'cleared':
      return { ...state, messages: [] }
  }
}

/** A message after an edit. */
export function messageEdited(message: Message, text: string, at: number): Message {
  return { ...message, text, edited: at }
}

/** A message that was taken back: a line without words. */
export function messageDeleted({ seq, tag, member, name, at }: Message): Message {
  return { kind: 'message', seq, tag, key: '', member, name, text: '', at, isDeleted: true }
}

/** A member after a change; undefined where they are none any more. Whoever is made a host waits no longer. */
export function memberAfter(member: Member, change: MemberChanged['change']): Member | undefined {
  const { isMuted, isWaiting, ...rest } = member
  switch (change) {
    case 'name':
      return member
    case 'admit':
      return isMuted ? { ...rest, isMuted } : rest
    case 'mute':
      return { ...member, isMuted: true }
    case 'unmute':
      return isWaiting ? { ...rest, isWaiting } : rest
    case 'host':
      return { ...(isMuted ? { ...rest, isMuted } : rest), role: 'host' }
    case 'unhost':
      return member.role === 'host' ? { ...member, role: 'member' } : member
    case 'remove':
    case 'ban':
    case 'unban':
      return undefined
  }
}

/** Whether a change leaves somebody who is no member. */
export function isGone({ member, change }: MemberChanged): boolean {
  return memberAfter(member, change) === undefined
}

/** A room after a change. */
export function roomAfter(room: Room, change: Partial<RoomSettings>): Room {
  return { ...room, ...change }
}

function membersAfter(
  members: ReadonlyMap<string, Member>,
  member: Member,
  change: MemberChanged['change'],
): ReadonlyMap<string, Member> {
  const next = new Map(members)
  // An entry speaks of a member as the change left them, so that only whether they are one is asked here.
  if (memberAfter(member, change)) next.set(member.id, member)
  else next.delete(member.id)
  return next
}
