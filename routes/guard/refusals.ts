import type { Refusal, RefusalCode } from '../../rooms/types.ts'

/** What a request is refused for: all that `rooms/` refuses for, and what only HTTP knows. */
export type SiteCode =
  | RefusalCode
  | 'wrong-origin'
  | 'not-found'
  | 'wrong-method'
  | 'handover-over'
  | 'body-too-large'
  | 'too-many-rooms'
  | 'too-many-joins'
  | 'too-many-tries'
  | 'too-many-passwords'
  | 'upgrade-required'
  | 'visitor-unproven'
  | 'visitor-expired'
  | 'visitor-used'
  | 'visitor-elsewhere'
  | 'visitor-name'
  | 'visitors-busy'
  | 'unavailable'
  | 'broken'

/** Why a request was not done. */
export interface SiteRefusal extends Refusal<SiteCode> {
  /** Names the line that tells more, where something failed. */
  readonly id?: string
}

export type SiteResult<T> = ({ readonly ok: true } & T) | SiteRefusal

/** A status that says no. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 422 | 426 | 429 | 500 | 503

interface Answer {
  readonly status: RefusalStatus
  readonly say: (refusal: SiteRefusal) => string
}

/** What each refusal is over HTTP, and in words: what happened, what to do now. */
const ANSWERS: Record<SiteCode, Answer> = {
  malformed: answer(400, 'That could not be read. Please go back and try again.'),
  'no-session': answer(401, 'You are not in this room. Please join it first.'),
  'wrong-origin': answer(403, 'That was sent from another site, so it was not done. Please do it on this page.'),
  'not-found': answer(404, 'There is nothing at this address.'),
  'wrong-method': answer(405, 'That cannot be done at this address.'),
  'handover-over': answer(
    403,
    'That way from the page into a window is over. Please join here, or try it once more there.',
  ),
  'room-unknown': answer(
    404,
    'There is no room with this code. Check it, or ask for it again: rooms end when they have been empty for a while.',
  ),
  'rooms-full': answer(503, 'There is no space for another room right now. Please try again in a while.'),
  'name-blank': answer(422, 'Please type a name.'),
  'name-too-long': answer(422, ({ limit }) => `That name is too long. Please keep it to ${limit} letters.`),
  'name-not-allowed': answer(
    422,
    'That name has signs in it that cannot be shown well. Please use letters, digits or emoji.',
  ),
  'name-reserved': answer(422, 'That name could be mistaken for the host’s. Please choose another.'),
  'name-taken': answer(
    409,
    ({ suggestion }) => `Somebody here has that name, or one that looks like it. How about “${suggestion}”?`,
  ),
  'title-too-long': answer(422, ({ limit }) => `That title is too long. Please keep it to ${limit} letters.`),
  'title-not-allowed': answer(422, 'That title has signs in it that cannot be shown well. Please leave them out.'),
  'text-blank': answer(422, 'There is nothing to send yet. Please type something.'),
  'text-too-long': answer(422, ({ limit }) => `That is too long to send at once. Please keep it to ${limit} letters.`),
  'key-too-long': answer(422, 'The key of that message is too long.'),
  'body-too-large': answer(413, 'That is too much at once. Please send less.'),
  'too-fast': answer(429, 'That was very quick. Please wait a moment and send it again.'),
  'room-busy': answer(429, 'Very much is happening in this room right now. Please wait a moment and try again.'),
  'room-full': answer(503, 'This room is full right now. Please try again in a while.'),
  'room-fixed': answer(409, 'This room always exists, so it cannot be closed. You can clear it instead.'),
  'too-many-rooms': answer(429, 'You have made many rooms already. Please wait a while before the next one.'),
  'too-many-joins': answer(429, 'Many have just come in from where you are. Please wait a moment and try again.'),
  'too-many-tries': answer(429, 'Too many codes were wrong. Please wait a minute and try again.'),
  'too-many-passwords': answer(429, 'Too many passwords were wrong here. Please wait a moment and try again.'),
  'upgrade-required': answer(
    426,
    'Only WebSockets are answered here. If a proxy is on the way, it is to pass on Upgrade and Connection, by HTTP/1.1.',
  ),
  'door-locked': answer(403, 'The door of this room is locked right now. Please ask its host to open it.'),
  'password-wrong': answer(403, 'This room has a password, and that is not it. Please ask its host for it.'),
  'password-too-long': answer(422, ({ limit }) => `That password is too long. Please keep it to ${limit} letters.`),
  banned: answer(403, 'The host does not let you into this room.'),
  waiting: answer(403, 'Please wait until the host lets you in.'),
  muted: answer(403, 'The host has muted you, so nothing you write is sent.'),
  'read-only': answer(403, 'Only hosts can write in this room right now.'),
  'slow-mode': answer(
    429,
    ({ limit }) => `This room takes one message from each of you every ${limit} seconds. Please wait a moment.`,
  ),
  'not-allowed': answer(403, 'You may not do that in this room.'),
  'too-late': answer(403, ({ limit }) => `A message can be changed for ${limit} minutes only.`),
  'last-host': answer(409, 'A room needs a host. Please make somebody else one first.'),
  'message-unknown': answer(404, 'That message is not here any more.'),
  'member-unknown': answer(404, 'That person is not in this room any more.'),
  'notice-too-long': answer(422, ({ limit }) => `That notice is too long. Please keep it to ${limit} letters.`),
  'notice-not-allowed': answer(422, 'That notice has signs in it that cannot be shown well. Please leave them out.'),
  'visitor-unproven': answer(
    401,
    'The link that brought you here proves nothing here. You can join under a name of your own.',
  ),
  'visitor-expired': answer(
    401,
    'The link that brought you here is too old. Please follow it once more from where you found it, or join under a name of your own.',
  ),
  'visitor-used': answer(
    401,
    'The link that brought you here was used before. Please follow it once more from where you found it, or join under a name of your own.',
  ),
  'visitor-elsewhere': answer(
    401,
    'The link that brought you here is for another room. You can join this one under a name of your own.',
  ),
  'visitor-name': answer(401, 'The name that you came with cannot be shown here. Please choose one for this room.'),
  'visitors-busy': answer(
    503,
    'Very many are coming in right now. Please wait a moment and follow the link once more.',
  ),
  unavailable: answer(
    503,
    (refusal) => `Nothing can be done here right now. Please try again in a moment${named(refusal)}.`,
  ),
  broken: answer(500, (refusal) => `Something went wrong here. Please try again${named(refusal)}.`),
  draining: answer(503, 'The server is restarting. Please try again in a few seconds.'),
}

/** Whether a refusal is about the password that was given. */
export function isAboutPassword({ refusal }: SiteRefusal): boolean {
  return refusal === 'password-wrong' || refusal === 'too-many-passwords'
}

/** All that a request can be refused for. */
export const REFUSALS = Object.keys(ANSWERS) as readonly SiteCode[]

/** The HTTP status of a refusal. */
export function statusOf({ refusal }: SiteRefusal): RefusalStatus {
  return ANSWERS[refusal].status
}

/** A refusal in words. */
export function wordsOf(refusal: SiteRefusal): string {
  return ANSWERS[refusal.refusal].say(refusal)
}

/** A refusal as programs read it. */
export function errorOf(refusal: SiteRefusal): object {
  const { refusal: code, limit, suggestion, retryAfter, id } = refusal
  return { error: { code, message: wordsOf(refusal), limit, suggestion, retryAfter, id } }
}

/** What somebody can tell whoever runs this. */
function named({ id }: SiteRefusal): string {
  return id === undefined ? '' : ` (error ${id})`
}

function answer(status: RefusalStatus, words: string | ((refusal: SiteRefusal) => string)): Answer {
  return { status, say: typeof words === 'string' ? () => words : words }
}
