// A Hono app on Node with a chat in it.
import process from 'node:process'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createChat } from 'parlour'

const chat = createChat({ secret: process.env.SECRET })

const app = new Hono()
app.get('/', (c) => c.html('<h1>My site</h1><a href="/chat/">Chat</a>'))
app.route('/chat', chat.app)

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`My site is listening on http://localhost:${port}/`)
})
server.on('upgrade', (request, socket, head) => chat.upgrade(request, socket, head) || socket.destroy())

process.once('SIGTERM', async () => {
  await chat.drain()
  process.exit()
})
