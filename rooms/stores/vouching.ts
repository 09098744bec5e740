import { looks, suggestName } from '../name.ts'
import type { Member, MemberChanged, Role, Vouched } from '../types.ts'
import type { MemoryLog } from './log.ts'
import type { Members } from './members.ts'
import type { Arrival, Vouching } from './store.ts'

/** What a visitor comes into: a room, as it is kept. */
interface Inside {
  readonly members: Members
  readonly log: MemoryLog
  /** Whether somebody else than this one has a name, or nobody may have it. */
  isTaken(name: string, id: string): boolean
}

/** What becomes of a member, before it is an entry. */
type News = Pick<MemberChanged, 'change' | 'member' | 'was'>

/** Lets a visitor in whom nothing keeps out: guests who have their name get another. */
export function letIn(inside: Inside, visitor: Vouched, arrival: Arrival): Vouching {
  const { members, log } = inside
  const guest = guestOf(members, visitor, arrival.instead)
  if (guest) members.dismiss(guest.id)
  const rivals = members.holders(looks(visitor.name), visitor.id)
  const hasRight = !rivals.some(({ isVouched }) => isVouched)
  const name = hasRight ? visitor.name : freeName(inside, visitor.name, visitor.id)
  const before = members.get(visitor.id)?.member
  const after = memberOf({ ...visitor, name }, arrival.isKnock, before, guest)
  const renamed = hasRight ? rivals : []
  // Nobody gets a name that the visitor is about to have.
  for (const { id } of renamed) members.release(id)
  members.put(after, looks(name))
  if (!after.isWaiting) members.mark(after.id, true)
  const news = [...renamed.map((rival) => rename(inside, rival)), ...(before ? newsOf(before, after) : [])]
  const changed = news.map((one) => log.change({ kind: 'member', by: visitor.id, ...one }, arrival.at))
  return { outcome: 'in', member: after, changed: changed as MemberChanged[], replaced: guest?.id }
}

/** Gives another name to somebody whose own is free already. */
function rename(inside: Inside, rival: Member): News {
  const member = { ...rival, name: freeName(inside, rival.name, rival.id) }
  inside.members.put(member, looks(member.name))
  return { change: 'name', member, was: rival.name }
}

/** What is new of a member: each as an entry that says how they are after all of it. */
function newsOf(before: Member, member: Member): News[] {
  const news: News[] = []
  if (before.name !== member.name) news.push({ change: 'name', member, was: before.name })
  if (!before.isMuted && member.isMuted) news.push({ change: 'mute', member })
  if (before.role !== member.role) news.push({ change: member.role === 'host' ? 'host' : 'unhost', member })
  else if (before.isWaiting && !member.isWaiting) news.push({ change: 'admit', member })
  return news
}

/** Who the visitor was here so far, as somebody for whom nobody vouched. */
function guestOf(members: Members, visitor: Vouched, id = ''): Member | undefined {
  const guest = members.get(id)?.member
  return guest && !guest.isVouched && guest.id !== visitor.id ? guest : undefined
}

/** A visitor as a member: what hosts of the room said of them holds on. */
function memberOf({ id, name, role }: Vouched, isKnock: boolean, before?: Member, guest?: Member): Member {
  const wasHost = before?.role === 'host' || guest?.role === 'host'
  const isHost = role === undefined ? wasHost : role === 'host'
  const isMuted = before?.isMuted || guest?.isMuted
  const isWaiting = !isHost && isKnock && (before === undefined || before.isWaiting)
  const own: Role = isHost ? 'host' : 'member'
  const member: Member = { id, name, role: own, isVouched: true }
  return { ...member, ...(isMuted && { isMuted }), ...(isWaiting && { isWaiting: true as const }) }
}

/** A name like one that cannot be had, and that nobody else has. */
function freeName(inside: Inside, name: string, id: string): string {
  // A crowd of namesakes is not asked one by one: after the first few the number doubles.
  for (let number = 2; ; number += number < 5 ? 1 : number) {
    const suggestion = suggestName(name, number)
    if (!inside.isTaken(suggestion, id)) return suggestion
  }
}
