// What is asked for by HTTP and by single frames, beside Hono that does nothing else.
import { Crowd } from '../crowd.mjs'
import { handshake, knock, request } from '../knock.mjs'
import { ask, gather, speechOf } from '../people.mjs'
import { hono, parlour, peers, settle } from '../server.mjs'
import { every, median, ratio, round, row } from '../table.mjs'

// A page costs so little that fewer of them measure the machine's other work.
const PAGES = 2000
const TEXT = 'x'.repeat(200)
const JSON_ANSWER = { Accept: 'application/json' }

/** Members who ask for the page and then open a socket, from a place 50 messages back. */
export async function joining({ runs, isQuick }) {
  const [own, bare] = [await parlour(), await hono()]
  const members = await gather(own, { size: isQuick ? 2000 : 10_000 })
  await say(own, members[0], 60)
  const { messages } = await ask(
    own,
    'GET',
    `/rooms/${members[0].code}/messages?limit=51`,
    undefined,
    bearer(members[0]),
  )
  const hello = JSON.stringify({ since: messages[0].cursor })
  const requests = members.flatMap((member) => [
    request(own, 'GET', `/rooms/${member.code}`, { Cookie: `parlour=${member.token}` }),
    handshake(own, member.path, { ...bearer(member), Origin: own.url }, hello),
  ])
  const rates = { own: [], bare: [] }
  const tasks = Math.floor(members.length / runs)
  for (let run = 0; run < runs; run += 1) {
    const slice = requests.slice(run * tasks * 2, (run + 1) * tasks * 2)
    const joined = await knock(own, slice, { tasks, steps: 2, fresh: true })
    const half = request(bare, 'GET', `/bytes/${Math.round(joined.bytes / tasks / 2)}`)
    const answered = await knock(bare, [half, half], { tasks, steps: 2, fresh: true })
    rates.own.push((tasks * 1000) / joined.ms)
    rates.bare.push((tasks * 1000) / answered.ms)
  }
  await own.stop()
  await bare.stop()
  const [joins, answers] = [median(rates.own), median(rates.bare)]
  const measured = [`${round(joins)} a second`, ratio(joins, answers, `Hono ${round(answers)}`)]
  const work = `${members.length.toLocaleString('en')} members joining (page, then socket with catch-up of 50)`
  return [row(work, '0.5 × bare Hono answering the same bytes', measured, joins >= 0.5 * answers)]
}

/** Posting, with key and session, by a form and by frames; each poster has a room of their own. */
export async function posting({ runs, isQuick }) {
  const [own, bare, ws] = [await parlour(), await hono(), await peers.ws()]
  const members = await gather(own, { rooms: 64, size: 1, posters: 1 })
  const form = `text=${TEXT}&key=%kkkkkkkkk`
  const posts = members.map((member) =>
    request(own, 'POST', `/rooms/${member.code}/messages`, { ...JSON_ANSWER, ...bearer(member) }, form),
  )
  const plain = [request(bare, 'POST', '/messages', { ...JSON_ANSWER, ...bearer(members[0]) }, form)]
  const talk = new Crowd(own, members, speechOf(own))
  const echo = new Crowd(
    ws,
    members.map(({ room, posts }) => ({ room, posts, path: '/?echo' })),
    speechOf(ws),
  )
  await talk.open(64)
  await echo.open(64)
  await settle()
  const tasks = isQuick ? 3000 : 8000
  const rates = { post: [], plain: [], frame: [], echo: [] }
  for (let run = 0; run <= runs; run += 1) {
    rates.post[run] = (tasks * 1000) / (await knock(own, posts, { tasks, slots: 64 })).ms
    rates.plain[run] = (tasks * 1000) / (await knock(bare, plain, { tasks, slots: 64 })).ms
    rates.frame[run] = (await talk.ask('flood', 64, 800)).rate
    rates.echo[run] = (await echo.ask('flood', 64, 800)).rate
  }
  for (const crowd of [talk, echo]) await crowd.end()
  await bare.stop()
  // The first run of each warmed it up.
  const [post, answer, frame, back] = Object.values(rates).map(([, ...rest]) => median(rest))
  const measured = [
    `by HTTP ${round(post)} a second, ${ratio(post, answer, `Hono ${round(answer)}`)}`,
    `by frame ${round(frame)}, ${ratio(frame, back, `ws echo ${round(back)}`)}`,
  ]
  const wanted = '0.4 × bare Hono answering a form, 0.5 × bare ws echo'
  return [
    row(
      'posting by HTTP, and by frame, with key and session',
      wanted,
      measured,
      every(post >= 0.4 * answer, frame >= 0.5 * back),
    ),
  ]
}

/** The room's page when 50 messages have been said, and when 100,000 have. */
export async function page({ runs, isQuick }) {
  const server = await parlour()
  const members = await gather(server, { size: 4 })
  const [ann] = members
  await say(server, ann, 50)
  await pageCost(server, ann, 3)
  const fresh = await pageCost(server, ann, runs)
  const crowd = new Crowd(server, members, speechOf(server))
  await crowd.open(4)
  const many = isQuick ? 10_000 : 100_000
  await crowd.ask('post', many, 16)
  const later = await pageCost(server, ann, runs)
  await crowd.end()
  const show = ({ plain, packed }) => `${round(plain)} ms (${round(packed)} ms with gzip)`
  const measured = [show(fresh), `after ${many.toLocaleString('en')} ${show(later)}`]
  const isSame = later.plain <= 1.15 * fresh.plain
  return [
    row(
      'page of a room with 50 messages; with 100,000 posted before: CPU',
      'under 1 ms; the same',
      measured,
      every(fresh.packed < 1, later.packed < 1, isSame),
    ),
  ]
}

async function pageCost(server, member, runs) {
  const ask = (more) => [
    request(server, 'GET', `/rooms/${member.code}`, { Cookie: `parlour=${member.token}`, ...more }),
  ]
  const costs = { plain: [], packed: [] }
  for (let run = 0; run <= runs; run += 1) {
    costs.plain[run] = (await knock(server, ask({}), { tasks: PAGES })).cpu / PAGES
    costs.packed[run] =
      (await knock(server, ask({ 'Accept-Encoding': 'gzip, deflate, br' }), { tasks: PAGES })).cpu / PAGES
  }
  return { plain: median(costs.plain.slice(1)), packed: median(costs.packed.slice(1)) }
}

async function say(server, member, count) {
  for (let index = 0; index < count; index += 1) {
    await ask(server, 'POST', `/rooms/${member.code}/messages`, { text: `${TEXT.slice(8)} ${index}` }, bearer(member))
  }
}

function bearer({ token }) {
  return { Authorization: `Bearer ${token}` }
}
