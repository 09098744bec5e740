// Bare Hono: a hello world, a form that is answered, and bytes that were made before.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const bytes = new Map()
const app = new Hono()

app.get('/', (c) => c.text('Hello world'))
app.post('/messages', async (c) => {
  const { text } = await c.req.parseBody()
  return c.json({ text })
})
app.get('/bytes/:size', (c) => {
  const size = Number(c.req.param('size'))
  if (!bytes.has(size)) bytes.set(size, 'x'.repeat(size))
  return c.html(bytes.get(size))
})

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`listening on http://127.0.0.1:${port}/`),
)
