import type { Buffer } from 'node:buffer'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between members and a server on this machine, and does to their connections what networks do. */
export class TcpProxy {
  readonly links = new Set<Link>()
  readonly port: number
  #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  /** @param upstream the port of the server, which need not be there yet */
  static open(upstream: () => number): Promise<TcpProxy> {
    return new Promise((resolve) => {
      const server = createServer({ noDelay: true, allowHalfOpen: true })
      server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
        const proxy = new TcpProxy(server)
        server.on('connection', (client) => proxy.#join(client, upstream()))
        resolve(proxy)
      })
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  close(): void {
    this.#server.close()
    for (const link of this.links) link.reset()
  }

  #join(client: Socket, port: number): void {
    const server = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const link = new Link(client, server)
    this.links.add(link)
    link.gone.then(() => this.links.delete(link))
  }
}

/** One connection through the proxy. It passes what comes, until it is told otherwise. */
export class Link {
  /** The client's port: what tells a test whose link this is. */
  readonly port: number
  /** Settles once both ends are closed. */
  readonly gone: Promise<unknown>
  isLost = false
  #isBroken = false
  #ends: readonly Socket[]
  #up: Way
  #down: Way

  constructor(client: Socket, server: Socket) {
    this.port = client.remotePort ?? 0
    this.#ends = [client, server]
    this.#up = new Way(client, server)
    this.#down = new Way(server, client)
    this.gone = Promise.all(this.#ends.map((end) => new Promise((resolve) => end.on('close', resolve))))
    for (const end of this.#ends) end.on('error', () => this.#broken()).on('close', () => this.#broken())
  }

  /** From now on everything takes so many milliseconds longer. */
  delay(milliseconds: number): void {
    for (const way of [this.#up, this.#down]) way.delay = milliseconds
  }

  /** Holds everything back until `flow`, as a network does that is gone for a while. */
  stall(): void {
    for (const way of [this.#up, this.#down]) way.isHeld = true
  }

  flow(): void {
    for (const way of [this.#up, this.#down]) way.flow()
  }

  /** Takes everything and gives nothing on, for ever: neither end is told, not even that the other has gone. */
  blackhole(): void {
    this.lose('up')
    this.lose('down')
  }

  /** The same one way only: to the server or to the client. */
  lose(way: 'up' | 'down'): void {
    this.isLost = true
    if (way === 'up') this.#up.lose()
    else this.#down.lose()
  }

  /** Ends both sides at once (RST). */
  reset(): void {
    for (const end of this.#ends) end.resetAndDestroy()
  }

  /** Lets so many bytes more through to the client, and then ends the link in the middle of whatever that is. */
  truncate(bytes: number): void {
    this.#down.cutAfter(bytes, () => this.#broken())
  }

  #broken(): void {
    if (this.isLost || this.#isBroken) return
    this.#isBroken = true
    for (const end of this.#ends) if (!end.destroyed) end.destroySoon()
  }
}

interface Parcel {
  readonly due: number
  /** Undefined for the end. */
  readonly bytes: Buffer | undefined
}

/** One direction of a link: what came in leaves in the same order, perhaps later, perhaps never. */
class Way {
  delay = 0
  isHeld = false
  #from: Socket
  #to: Socket
  #parcels: Parcel[] = []
  #timer: NodeJS.Timeout | undefined
  #left = Number.POSITIVE_INFINITY
  #onCut = () => {}
  #isLost = false

  constructor(from: Socket, to: Socket) {
    this.#from = from
    this.#to = to
    from.on('data', (bytes: Buffer) => this.#take(bytes))
    from.on('end', () => this.#take(undefined))
    to.on('drain', () => from.resume())
  }

  flow(): void {
    this.isHeld = false
    this.#pump()
  }

  lose(): void {
    this.#isLost = true
    this.#parcels = []
    this.#from.resume()
  }

  cutAfter(bytes: number, onCut: () => void): void {
    this.#left = bytes
    this.#onCut = onCut
  }

  #take(bytes: Buffer | undefined): void {
    if (this.#isLost) return
    this.#parcels.push({ due: Date.now() + this.delay, bytes })
    this.#pump()
  }

  #pump(): void {
    clearTimeout(this.#timer)
    while (this.#parcels.length > 0 && !this.isHeld) {
      const wait = this.#parcels[0].due - Date.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pump(), wait)
        return
      }
      this.#give((this.#parcels.shift() as Parcel).bytes)
    }
  }

  #give(bytes: Buffer | undefined): void {
    if (this.#to.destroyed || this.#to.writableEnded) return
    if (!bytes) {
      this.#to.end()
      return
    }
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes
    this.#left -= part.length
    if (!this.#to.write(part)) this.#from.pause()
    if (this.#left <= 0) this.#onCut()
  }
}
