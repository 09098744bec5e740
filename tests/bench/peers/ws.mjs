// A chat as the `ws` guide writes it: a loop over everyone in the room. `?echo` answers the sender only.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const rooms = new Map()
const http = createServer()
const server = new WebSocketServer({ server: http })

server.on('connection', (socket, request) => {
  const { searchParams } = new URL(request.url, 'http://localhost')
  if (searchParams.has('echo')) return socket.on('message', (text, binary) => socket.send(text, { binary }))
  const name = searchParams.get('room')
  const room = rooms.get(name) ?? new Set()
  rooms.set(name, room.add(socket))
  socket.on('close', () => room.delete(socket))
  socket.on('message', (text, binary) => {
    for (const member of room) member.send(text, { binary })
  })
})

http.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${http.address().port}/`))
