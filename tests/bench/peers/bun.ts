// A chat as Bun's own guide writes it: subscribe to the room, publish to the room.
declare const Bun: any

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request: Request, server: any) {
    const room = new URL(request.url).searchParams.get('room')
    return server.upgrade(request, { data: { room } }) ? undefined : new Response('a socket, please', { status: 400 })
  },
  websocket: {
    idleTimeout: 0,
    open(socket: any) {
      socket.subscribe(socket.data.room)
    },
    message(socket: any, text: string) {
      server.publish(socket.data.room, text)
    },
  },
})
console.log(`listening on http://127.0.0.1:${server.port}/`)
