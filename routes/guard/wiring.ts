import type { Reporter } from './report.ts'

const ADD = "server.on('upgrade', (request, socket, head) => chat.upgrade(request, socket, head) || socket.destroy())"

/** Whether a host hands its handshakes on. One that does not is told so once: pages go on by events, and nobody would notice. */
export class Wiring {
  #report: Reporter
  #isSettled: boolean

  /** @param isWired where that is known, as it is of the chat's own server */
  constructor(report: Reporter, isWired: boolean) {
    this.#report = report
    this.#isSettled = isWired
  }

  /** The host has asked about a handshake. */
  reach(): void {
    this.#isSettled = true
  }

  /** A page of a Node server has to do without a socket. */
  miss(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#report({
      event: 'sockets-missing',
      advice: `Events carry the pages of this chat. Sockets would, with: ${ADD}`,
    })
  }
}
