import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Act } from '../rooms/entries.ts'
import { EDIT_MS, type Facts, whyNot } from '../rooms/rights.ts'
import type { Member, MemberChange, Message, RefusalCode, Room } from '../rooms/types.ts'

type Refused = RefusalCode | undefined

const HOST: Member = { id: 'h', name: 'hal', role: 'host' }
const ANN: Member = { id: 'a', name: 'ann', role: 'member' }
const BOT: Member = { id: 'r', name: 'robot', role: 'bot' }
const MUTED: Member = { id: 'm', name: 'mia', role: 'member', isMuted: true }
const WAITING: Member = { id: 'w', name: 'wes', role: 'member', isWaiting: true }
const GONE: Member = { id: 'x', name: 'max', role: 'member' }
const EVERYBODY = [HOST, ANN, BOT, MUTED, WAITING, GONE]
const ROOM: Room = {
  ...{ code: 'ACD-EFG-HJK', created: 0, generation: 'g', title: '', notice: '' },
  ...{ door: 'open', password: '', slow: 0, isReadOnly: false },
}

const test = suite('rights')

test('a member speaks, but not where they wait or are muted, nor whoever is no member', () => {
  table(say, {}, [undefined, undefined, undefined, 'muted', 'waiting', 'no-session'])
})

test('in a room that is read-only hosts speak', () => {
  const room = { ...ROOM, isReadOnly: true }
  table(say, { room }, [undefined, 'read-only', 'read-only', 'muted', 'waiting', 'no-session'])
})

test('in a room that is slowed down whoever is no host waits between two messages', () => {
  const room = { ...ROOM, slow: 30 }
  const silence = (milliseconds: number) => ({ room, silence: () => milliseconds })
  table(say, silence(29_999), [undefined, 'slow-mode', 'slow-mode', 'muted', 'waiting', 'no-session'])
  table(say, silence(30_000), [undefined, undefined, undefined, 'muted', 'waiting', 'no-session'])
  assert.is(refusalOf(say(ANN), silence(Number.POSITIVE_INFINITY)), undefined, 'the first message')
  assert.equal(whyNot(say(ANN), factsOf(silence(28_999))), {
    ...{ ok: false, refusal: 'slow-mode', limit: 30, retryAfter: 2 },
  })
})

test('a member edits their own message, for a quarter of an hour, while they may speak', () => {
  const own = { message: (by: Member) => saidBy(by) }
  table(edit, own, [undefined, undefined, undefined, 'muted', 'waiting', 'no-session'])
  const room = { ...ROOM, isReadOnly: true }
  table(edit, { ...own, room }, [undefined, 'read-only', 'read-only', 'muted', 'waiting', 'no-session'])
  const slow = { ...own, room: { ...ROOM, slow: 30 }, silence: () => 0 }
  assert.is(refusalOf(edit(ANN), slow), undefined, 'an edit is no message')
  assert.is(refusalOf(edit(ANN), { ...own, age: EDIT_MS }), undefined)
  const late = whyNot(edit(ANN), factsOf({ message: () => saidBy(ANN), age: () => EDIT_MS + 1 }))
  assert.equal(late, { ok: false, refusal: 'too-late', limit: 15 })
})

test('nobody edits what another said, what was deleted, or what is not there', () => {
  const other = { message: () => saidBy(GONE) }
  table(edit, other, ['not-allowed', 'not-allowed', 'not-allowed', 'muted', 'waiting', 'no-session'])
  const deleted = { message: (by: Member) => ({ ...saidBy(by), isDeleted: true as const }) }
  const unknown = { message: () => undefined }
  for (const facts of [deleted, unknown])
    table(edit, facts, ['message-unknown', 'message-unknown', 'message-unknown', 'muted', 'waiting', 'no-session'])
})

test("a member deletes their own message at any time, and a host anybody's", () => {
  const old = { age: EDIT_MS * 100, room: { ...ROOM, isReadOnly: true } }
  const own = { ...old, message: (by: Member) => saidBy(by) }
  table(erase, own, [undefined, undefined, undefined, undefined, 'waiting', 'no-session'])
  const other = { ...old, message: () => saidBy(GONE) }
  table(erase, other, [undefined, 'not-allowed', 'not-allowed', 'not-allowed', 'waiting', 'no-session'])
  const unknown = { message: () => undefined }
  const none = 'message-unknown'
  table(erase, unknown, [none, none, none, none, 'waiting', 'no-session'])
})

test('only hosts change the room or a member, and take all back', () => {
  const none: Refused = 'not-allowed'
  const expected = [undefined, none, none, none, 'waiting', 'no-session'] as const
  table((by) => ({ kind: 'room', ...doing(by), change: { title: 'x' } }), {}, expected)
  table((by) => ({ kind: 'cleared', ...doing(by) }), {}, expected)
  for (const change of ['admit', 'remove', 'ban', 'mute', 'unmute', 'host', 'unhost'] as const)
    table((by) => moderate(by, change, ANN), {}, expected)
  table((by) => moderate(by, 'unban', GONE), { banned: () => GONE }, expected)
})

test('who is no member is not changed, and who is not banned not unbanned', () => {
  for (const change of ['admit', 'remove', 'ban', 'mute', 'unmute', 'host', 'unhost'] as const)
    assert.is(refusalOf(moderate(HOST, change, GONE), { banned: () => GONE }), 'member-unknown')
  assert.is(refusalOf(moderate(HOST, 'unban', ANN), {}), 'member-unknown')
})

test('the last host stays one', () => {
  const refused = (hosts: number) =>
    (['remove', 'ban', 'unhost', 'mute', 'host'] as const).map((change) =>
      refusalOf(moderate(HOST, change, HOST), { hosts }),
    )
  assert.equal(refused(1), ['last-host', 'last-host', 'last-host', undefined, undefined])
  assert.equal(refused(2), Array(5).fill(undefined))
})

test.run()

/** What may differ from a quiet room in which everybody is, but the one who is gone. */
interface Case {
  readonly room?: Room
  readonly hosts?: number
  readonly age?: number
  readonly silence?: () => number
  readonly message?: (by: Member) => Message | undefined
  readonly banned?: () => Member
}

function table(actOf: (by: Member) => Act, facts: Case, expected: readonly Refused[]): void {
  assert.equal(
    EVERYBODY.map((by) => refusalOf(actOf(by), facts)),
    expected,
  )
}

function refusalOf(act: Act, { message = () => undefined, age = 0, ...facts }: Case): Refused {
  const by = EVERYBODY.find(({ id }) => id === act.by) as Member
  return whyNot(act, factsOf({ ...facts, message: () => message(by), age: () => age }))?.refusal
}

function factsOf(facts: Partial<Facts>): Facts {
  return {
    ...{ room: ROOM, hosts: 1, age: () => 0, silence: () => 0, message: () => undefined, banned: () => undefined },
    member: (id) => EVERYBODY.find((one) => one.id === id && one !== GONE),
    ...facts,
  }
}

function saidBy({ id, name }: Member): Message {
  return { kind: 'message', seq: 1, tag: 'abcdef', at: 0, key: 'k', member: id, name, text: 'hello' }
}

function doing({ id }: Member): { by: string; at: number } {
  return { by: id, at: 0 }
}

function say(by: Member): Act {
  return { kind: 'message', ...doing(by), key: 'k', text: 'hello' }
}

function edit(by: Member): Act {
  return { kind: 'edited', ...doing(by), of: { seq: 1, tag: 'abcdef' }, text: 'better' }
}

function erase(by: Member): Act {
  return { kind: 'deleted', ...doing(by), of: { seq: 1, tag: 'abcdef' } }
}

function moderate(by: Member, change: MemberChange, { id }: Member): Act {
  return { kind: 'member', ...doing(by), id, change }
}
