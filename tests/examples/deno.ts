// A Hono app on Deno with a chat in it; sockets need no more than this.
import { Hono } from 'hono'
import { createChat } from 'parlour'

const chat = createChat({ secret: Deno.env.get('SECRET') })

const app = new Hono()
app.get('/', (c) => c.html('<h1>My site</h1><a href="/chat/">Chat</a>'))
app.route('/chat', chat.app)

const server = Deno.serve(
  {
    port: Number(Deno.env.get('PORT') ?? 3000),
    onListen: ({ port }) => console.log(`My site is listening on http://localhost:${port}/`),
  },
  app.fetch,
)

Deno.addSignalListener('SIGTERM', async () => {
  await chat.drain()
  await server.shutdown()
  Deno.exit()
})
