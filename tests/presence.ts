import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CROWD, Presence } from '../rooms/presence.ts'
import type { Attendance, Member, Notice } from '../rooms/types.ts'
import { TestClock } from './support/clock.ts'

const GRACE = 20_000
const ann = { id: 'a', name: 'ann', role: 'member' as const }
const bob = { id: 'b', name: 'bob', role: 'member' as const }

const test = suite('presence')

test('somebody who comes is told of at once, with the count', async () => {
  const { presence, told, quiet } = room()
  presence.connected(ann)
  await quiet()
  assert.equal(told, [{ count: 1, here: ['ann'], joined: ['ann'], left: [] }])
})

test('several tabs are one person', async () => {
  const { presence, told, quiet } = room()
  for (const member of [ann, ann, ann]) presence.connected(member)
  await quiet()
  presence.disconnected(ann)
  presence.disconnected(ann)
  await quiet(GRACE * 2)
  assert.equal(told, [{ count: 1, here: ['ann'], joined: ['ann'], left: [] }])
  presence.disconnected(ann)
  await quiet(GRACE * 2)
  assert.equal(told.at(-1), { count: 0, here: [], joined: [], left: ['ann'] })
})

test('asking for a page again does not make an open tab leave', async () => {
  const { presence, quiet } = room()
  presence.connected(ann)
  presence.connected(ann)
  presence.disconnected(ann)
  presence.seen(ann)
  await quiet(GRACE * 2)
  assert.is(presence.attendance.count, 1)
})

test('reloading a page is not leaving', async () => {
  const { presence, told, quiet } = room()
  presence.connected(ann)
  await quiet()
  for (let count = 0; count < 5; count += 1) {
    presence.disconnected(ann)
    await quiet(GRACE - 1)
    presence.connected(ann)
    await quiet(1000)
  }
  await quiet(GRACE * 3)
  assert.is(told.length, 1)
  assert.is(presence.attendance.count, 1)
})

test('somebody who stays away has left once the grace is over, not before', async () => {
  const { presence, quiet } = room()
  presence.connected(ann)
  presence.disconnected(ann)
  await quiet(GRACE - 1)
  assert.is(presence.attendance.count, 1)
  await quiet(1)
  assert.is(presence.attendance.count, 0)
  assert.ok(presence.isEmpty)
})

for (const hours of [-1, 72]) {
  test(`the grace is as long as ever with a clock on the wall that is set by ${hours} hours`, async () => {
    const { presence, clock, quiet } = room()
    presence.seen(ann)
    presence.connected(bob)
    presence.disconnected(bob)
    clock.set(hours * 60 * 60 * 1000)
    await quiet(GRACE - 1)
    presence.seen(ann)
    assert.equal(namesOf(presence.members(CROWD)), ['ann', 'bob'])
    await quiet(1)
    assert.equal(namesOf(presence.members(CROWD)), ['ann'])
    await quiet(GRACE - 1)
    assert.ok(presence.isEmpty)
  })
}

test('somebody without a connection is here for the grace after each thing they ask', async () => {
  const { presence, quiet } = room()
  presence.seen(ann)
  await quiet(GRACE - 1)
  presence.seen(ann)
  await quiet(GRACE - 1)
  assert.is(presence.attendance.count, 1)
  await quiet(1)
  assert.is(presence.attendance.count, 0)
})

test('somebody who leaves is gone at once, with all their tabs, and does not come back with a late one', async () => {
  const { presence, told, quiet } = room()
  for (const member of [ann, ann, bob]) presence.connected(member)
  await quiet(2000)
  presence.left(ann.id)
  presence.disconnected(ann)
  presence.disconnected(ann)
  await quiet(GRACE * 2)
  assert.equal(told.at(-1), { count: 1, here: ['bob'], joined: [], left: ['ann'] })
  assert.is(told.length, 2)
})

test('fifty who come within a second are a notice or two, not fifty', async () => {
  const { presence, told, quiet } = room()
  for (const member of crowd(50)) {
    presence.connected(member)
    await quiet(15)
  }
  await quiet(2000)
  assert.ok(told.length <= 2, `${told.length}`)
  assert.is(told.flatMap(({ joined }) => joined ?? []).length, 50)
  assert.is(told.at(-1)?.count, 50)
})

test('who comes and goes between two notices is not spoken of', async () => {
  const { presence, told, quiet } = room()
  presence.connected(ann)
  await quiet()
  presence.connected(bob)
  presence.left(bob.id)
  await quiet(5000)
  assert.equal(
    told.flatMap(({ joined = [], left = [] }) => [...joined, ...left]),
    ['ann'],
  )
  // Whoever connected in between was shown a count that is told right again.
  assert.equal([told.length, told.at(-1)?.count], [2, 1])
})

test('who goes and comes back between two notices is not spoken of', async () => {
  const { presence, told, quiet } = room()
  for (const member of [ann, bob]) presence.connected(member)
  await quiet()
  presence.left(bob.id)
  presence.connected(bob)
  await quiet(5000)
  assert.equal([told.length, told.at(-1)], [2, { count: 2, here: ['ann', 'bob'], joined: undefined, left: undefined }])
})

test('somebody who asks again does not keep those who asked after them', async () => {
  const { presence, quiet } = room()
  presence.seen(ann)
  await quiet(1000)
  presence.seen(bob)
  await quiet(9000)
  presence.seen(ann)
  await quiet(GRACE - 9000)
  assert.equal(namesOf(presence.members(CROWD)), ['ann'])
})

test('above a crowd notices and names give way to the count, which stays exact', async () => {
  const { presence, told, quiet } = room()
  const members = crowd(CROWD + 50)
  for (const [index, member] of members.entries()) {
    const before = presence.attendance.members
    presence.connected(member)
    assert.is(presence.attendance.members.length, Math.min(index + 1, CROWD))
    assert.is(presence.attendance.members === before, index >= CROWD, 'a list that stays the same is not made anew')
  }
  await quiet(2000)
  assert.is(told.at(-1)?.joined, undefined, 'no notice')
  assert.equal([told.at(-1)?.count, told.at(-1)?.here.length], [CROWD + 50, CROWD])
  assert.is(presence.members(1000).length, CROWD + 50)
  assert.equal(presence.members(3), members.slice(0, 3))
  for (const { id } of members.slice(0, 50)) presence.left(id)
  await quiet(2000)
  assert.equal([told.at(-1)?.count, told.at(-1)?.left?.length], [CROWD, 50])
})

test('above a crowd the list drops those who left, and says how many it leaves out', async () => {
  const { presence, told, quiet } = room()
  const members = crowd(CROWD + 50)
  for (const member of members) presence.connected(member)
  await quiet(2000)
  assert.equal(shown(told), { names: namesOf(members.slice(0, CROWD)), others: 50, count: CROWD + 50 })
  for (const { id } of members.slice(0, 20)) presence.left(id)
  presence.left(members.at(-1)?.id as string)
  await quiet(10_000)
  assert.equal(shown(told), { names: namesOf(members.slice(20, CROWD + 20)), others: 29, count: CROWD + 29 })
  const lists = told.filter(({ isCountOnly }) => !isCountOnly).length
  presence.left(members.at(-2)?.id as string)
  presence.connected({ id: 'late', name: 'late', role: 'member' as const })
  presence.connected({ id: 'later', name: 'later', role: 'member' as const })
  await quiet(60_000)
  assert.equal(
    [shown(told).others, shown(told).count],
    [30, CROWD + 30],
    'who comes and goes without a name is counted',
  )
  assert.is(told.filter(({ isCountOnly }) => !isCountOnly).length, lists, 'and no list is told for them')
  for (const { id } of members.slice(20, 60)) presence.left(id)
  await quiet(2000)
  const left = [...members.slice(60, -2).map(({ name }) => name), 'late', 'later']
  assert.equal(shown(told), { names: left, others: 0, count: left.length }, 'a crowd no more')
  presence.connected({ id: 'last', name: 'last', role: 'member' as const })
  for (const member of members.slice(0, 20)) presence.connected(member)
  await quiet(2000)
  assert.equal([shown(told).others, shown(told).count], [left.length + 21 - CROWD, left.length + 21], 'a crowd again')
})

test('in a crowd that comes and goes all are told the names now and then, the larger it is the more rarely', async () => {
  for (const [size, lists] of [
    [1000, 6],
    [4000, 2],
  ]) {
    const { presence, told, quiet } = room()
    const members = crowd(size)
    for (const member of members) presence.connected(member)
    await quiet(2000)
    const before = told.length
    for (let second = 0; second < 60; second += 1) {
      presence.left(members[second].id)
      presence.connected(members[second])
      presence.left(members[second].id)
      await quiet(1000)
      presence.connected(members[second])
    }
    const news = told.slice(before)
    const whole = news.filter(({ isCountOnly }) => !isCountOnly).length
    assert.ok(whole >= lists - 1 && whole <= lists, `${size}: ${whole}`)
    assert.ok(news.length > 50)
    await quiet(60_000)
    assert.equal(shown(told).names, namesOf(presence.members(CROWD)), 'in the end the list is true')
  }
})

test('whoever catches up in a crowd is told the names, and where too many do at once all are told them later', async () => {
  const { presence, told, quiet } = room()
  for (const member of crowd(CROWD)) presence.connected(member)
  await quiet(20_000)
  for (let count = 0; count < 100; count += 1) assert.not.ok(presence.here().isCountOnly, 'these are few')
  presence.connected(ann)
  await quiet()
  assert.is(told.at(-1)?.isCountOnly, undefined, 'nobody has a line for the others yet')
  await quiet(20_000)
  const before = told.length
  const answers = Array.from({ length: 500 }, () => presence.here())
  const whole = answers.filter(({ isCountOnly }) => !isCountOnly)
  assert.equal([whole.length > 0, whole.length < 50], [true, true])
  assert.is(new Set(answers).size, 2, 'each is rendered once')
  assert.ok(answers.every(({ count }) => count === CROWD + 1))
  await quiet(20_000)
  assert.equal([told.length - before, told.at(-1)?.isCountOnly], [1, undefined])
  await quiet(60_000)
  assert.is(told.length - before, 1)
})

test('whoever comes and goes, once it is quiet the count is that of those who are here, and was told', async () => {
  const members = crowd(4)
  const act = fc.record({
    member: fc.constantFrom(...members),
    act: fc.constantFrom('connect', 'disconnect', 'seen', 'leave'),
    pause: fc.constantFrom(0, 0, 10, 900, 1100, GRACE - 1, GRACE),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40, size: 'max' }), async (acts) => {
      const { presence, told, marked, quiet } = room()
      const open = new Map<string, number>(members.map(({ id }) => [id, 0]))
      for (const { member, act, pause } of acts) {
        const tabs = open.get(member.id) as number
        if (act === 'connect') presence.connected(member)
        else if (act === 'seen') presence.seen(member)
        else if (act === 'leave') presence.left(member.id)
        else if (tabs > 0) presence.disconnected(member)
        const change = { connect: tabs + 1, seen: tabs, leave: 0, disconnect: Math.max(tabs - 1, 0) }
        open.set(member.id, change[act as keyof typeof change])
        await quiet(pause)
      }
      await quiet(GRACE * 2)
      const here = members.filter(({ id }) => (open.get(id) as number) > 0).map(({ name }) => name)
      assert.equal(
        presence
          .members(1000)
          .map(({ name }) => name)
          .toSorted(),
        here,
      )
      assert.equal(told.at(-1)?.here.toSorted() ?? [], here)
      assert.equal(
        [...marked].toSorted(),
        members.filter(({ name }) => here.includes(name)).map(({ id }) => id),
      )
    }),
    { numRuns: 150 },
  )
})

interface Told {
  readonly count: number
  readonly here: string[]
  readonly joined: string[] | undefined
  readonly left: string[] | undefined
  readonly isCountOnly?: boolean
}

function room() {
  const clock = new TestClock()
  const told: Told[] = []
  const tell = ({ count, members, isCountOnly }: Attendance, notice: Notice | undefined) => {
    told.push({
      count,
      here: namesOf(members),
      joined: notice && namesOf(notice.joined),
      left: notice && namesOf(notice.left),
      ...(isCountOnly && { isCountOnly }),
    })
  }
  const marked = new Set<string>()
  const mark = (id: string, isHere: boolean) => void (isHere ? marked.add(id) : marked.delete(id))
  const quiet = (milliseconds = 0) => clock.pass(milliseconds)
  return { presence: new Presence({ clock, grace: GRACE, mark, tell }), clock, told, marked, quiet }
}

/** What a page shows that was told all this: the names of the last list, and a line for the others. */
function shown(told: readonly Told[]) {
  const names = told.findLast(({ isCountOnly }) => !isCountOnly)?.here ?? []
  const { count = 0, here = [] } = told.at(-1) ?? {}
  return { names, others: count - here.length, count }
}

function namesOf(members: readonly Member[]): string[] {
  return members.map(({ name }) => name)
}

function crowd(count: number): Member[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `m${index}`,
    name: `member ${index}`,
    role: 'member' as const,
  }))
}

test.run()
