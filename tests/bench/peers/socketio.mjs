// A chat as the Socket.IO guide writes it.
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const http = createServer()
const io = new Server(http, { transports: ['websocket'], pingInterval: 300_000 })

io.on('connection', (socket) => {
  const { room } = socket.handshake.query
  socket.join(room)
  socket.on('post', (text) => io.to(room).emit('post', text))
})

http.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${http.address().port}/`))
