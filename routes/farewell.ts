import { createMiddleware } from 'hono/factory'
import { farewellFrame } from '../templates/frames.ts'
import { type Env, wantsFragment } from './guard/site.ts'
import { FAREWELLS } from './wire/farewells.ts'

/**
 * Gives the farewell of a socket to a page that asks again and again for what followed its place, once its room or its
 * member is gone: after a refusal alone it would ask for ever.
 */
export const tellFarewell = createMiddleware<Env>(async (c, next) => {
  await next()
  const why = c.res.status === 401 ? 'removed' : c.res.status === 404 ? 'room-gone' : undefined
  if (!why || !wantsFragment(c) || c.req.query('after') === undefined) return
  c.res = c.html(farewellFrame(FAREWELLS[why].words, c.get('place')), c.res.status as 401 | 404)
})
