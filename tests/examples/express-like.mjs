// A chat in an app of another kind: Polka here, and Express or a bare Node server in the same way.
import process from 'node:process'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { createChat } from 'parlour'
import polka from 'polka'

const chat = createChat({ secret: process.env.SECRET })
const answer = getRequestListener(new Hono().route('/chat', chat.app).fetch)

const app = polka()
// It comes before whatever reads bodies, and by its whole path: `use('/chat', …)` would cut that short.
app.use((request, response, next) => (/^\/chat([/?]|$)/.test(request.url) ? answer(request, response) : next()))
app.get('/', (_, response) => response.end('<h1>My site</h1><a href="/chat/">Chat</a>'))

app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`My site is listening on http://localhost:${app.server.address().port}/`)
})
app.server.on('upgrade', (request, socket, head) => chat.upgrade(request, socket, head) || socket.destroy())

process.once('SIGTERM', async () => {
  await chat.drain()
  process.exit()
})
