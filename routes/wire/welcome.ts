import { type Member, type Room, refuse } from '../../rooms/types.ts'
import { farewellFrame } from '../../templates/frames.ts'
import type { Place } from '../../templates/page.ts'
import { type SiteCode, wordsOf } from '../guard/refusals.ts'
import type { Site, Visit } from '../guard/site.ts'
import { countWrongCode } from '../guard/visit.ts'
import { FAREWELLS } from './farewells.ts'

/** What is to become of a handshake that was not refused. */
export interface Welcome {
  readonly visit: Visit | undefined
  /** Whether somebody tries one wrong code after the other. */
  readonly isGuessing: boolean
}

/** A socket that was just opened, by whatever interface. */
interface Opened {
  send(text: string): void
  close(code: number): void
}

/** What is to become of somebody who asks for a socket. A wrong code counts for their address. */
export function welcomeOf(visit: Visit | undefined, site: Site, address: string): Welcome {
  return { visit, isGuessing: !visit && countWrongCode(site, address).refusal === 'too-many-tries' }
}

/**
 * Lets a member in, and sends everyone else away with the code and words that fit (RFC 6455, 7.4): htmx would try a
 * refused handshake again for ever.
 * @param letIn makes a connection of the socket
 */
export function greet(
  socket: Opened,
  { visit, isGuessing }: Welcome,
  { ledger }: Site,
  place: Place,
  letIn: (room: Room, member: Member) => void,
): void {
  if (visit?.member && !visit.member.isWaiting) return letIn(visit.room, visit.member)
  ledger.refused(isGuessing ? 'too-many-tries' : whyNot(visit))
  if (isGuessing) return socket.close(1013)
  socket.send(farewellFrame(wordsTo(visit), place))
  socket.close(1008)
}

/** Why somebody is not let in for good. */
function whyNot(visit: Visit | undefined): SiteCode {
  if (!visit) return 'room-unknown'
  return visit.member ? 'waiting' : 'no-session'
}

/** What somebody is told who is not let in for good. */
function wordsTo(visit: Visit | undefined): string {
  if (!visit) return FAREWELLS['room-gone'].words
  return visit.member ? wordsOf(refuse('waiting')) : FAREWELLS.removed.words
}
