// Posting with key and session, by a form and by frames, beside Hono that answers a form and `ws` that sends back.
import { Crowd } from '../crowd.mjs'
import { knock, request } from '../knock.mjs'
import { bearer, gather, speechOf } from '../people.mjs'
import { Race } from '../race.mjs'
import { hono, peers, settle, versions } from '../server.mjs'
import { every, ratio, round, row } from '../table.mjs'

const FORM = `text=${'x'.repeat(200)}&key=%kkkkkkkkk`
const ANSWER = { Accept: 'application/json' }
const LEAST_BY_HTTP = 0.4
const LEAST_BY_FRAME = 0.5
const ROOMS = 64

export async function posting({ heats, runs, seconds, before }) {
  const race = new Race()
  const starts = { ...versions(before), Hono: hono, ws: peers.ws }
  const open = (start, name) => ({ Hono: form, ws: echo })[name]?.(start) ?? talker(start)
  await race.heats(heats, starts, open, async () => {
    await settle()
    // The first round warms it up.
    await race.each((entrant) => entrant.post(seconds))
    await race.rounds(runs, (entrant) => entrant.post(seconds))
  })
  const [http, frame] = [race.of('Parlour', 'http'), race.of('Parlour', 'frame')]
  const [answer, back] = [race.of('Hono', 'http'), race.of('ws', 'frame')]
  return [
    row(
      'posting by HTTP, and by frame, with key and session',
      `${LEAST_BY_HTTP} × bare Hono answering a form, ${LEAST_BY_FRAME} × bare ws echo`,
      [
        `by HTTP ${round(http)} a second, ${ratio(http, answer, race.beside('Hono', 'http'))}`,
        `by frame ${round(frame)}, ${ratio(frame, back, race.beside('ws', 'frame'))}`,
      ],
      every(answer && http >= LEAST_BY_HTTP * answer, back && frame >= LEAST_BY_FRAME * back),
      ['http', 'frame'].flatMap((way) => race.before(`by ${way.replace('http', 'HTTP')}`, way, { isMoreBetter: true })),
    ),
  ]
}

/** Each poster has a room of their own. */
async function talker(start) {
  const server = await start()
  const members = await gather(server, { rooms: ROOMS, size: 1, posters: 1 })
  const posts = members.map((member) =>
    request(server, 'POST', `/rooms/${member.code}/messages`, { ...ANSWER, ...bearer(member) }, FORM),
  )
  const crowd = new Crowd(server, members, speechOf(server))
  await crowd.open(ROOMS)
  const post = async (seconds) => ({ http: await byForm(server, posts, seconds), frame: await byFrame(crowd, seconds) })
  return { post, end: () => crowd.end() }
}

async function form(start) {
  const server = await start()
  const token = 'x'.repeat(100)
  const posts = [request(server, 'POST', '/messages', { ...ANSWER, ...bearer({ token }) }, FORM)]
  return { post: async (seconds) => ({ http: await byForm(server, posts, seconds) }), end: () => server.stop() }
}

async function echo(start) {
  const server = await start()
  const members = Array.from({ length: ROOMS }, (_, room) => ({ room, posts: true, path: '/?echo' }))
  const crowd = new Crowd(server, members, speechOf(server))
  await crowd.open(ROOMS)
  return { post: async (seconds) => ({ frame: await byFrame(crowd, seconds) }), end: () => crowd.end() }
}

async function byForm(server, posts, seconds) {
  const tasks = Math.round(8000 * seconds)
  return (tasks * 1000) / (await knock(server, posts, { tasks, slots: ROOMS })).ms
}

async function byFrame(crowd, seconds) {
  return (await crowd.ask('flood', ROOMS, 800 * seconds)).rate
}
