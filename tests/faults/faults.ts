import type { Link, TcpProxy } from './proxy.ts'
import type { Random } from './random.ts'

/** What can befall connections: for so many seconds at most, some of them, in a way of its own. */
export type Fault = (links: Link[], random: Random) => void

/** Networks as they are. A fault that ends by itself ends within five seconds. */
export const FAULTS: { readonly [kind: string]: Fault } = {
  delay: (links, random) => {
    for (const link of random.some(links, 0.4)) {
      link.delay(random.whole(50, 800))
      setTimeout(() => link.delay(0), random.whole(1000, 5000))
    }
  },
  stall: (links, random) => {
    for (const link of random.some(links, 0.3)) {
      link.stall()
      setTimeout(() => link.flow(), random.whole(500, 5000))
    }
  },
  reset: (links, random) => {
    for (const link of random.some(links, 0.5)) link.reset()
  },
  resetAll: (links) => {
    for (const link of links) link.reset()
  },
  truncate: (links, random) => {
    for (const link of random.some(links, 0.3)) link.truncate(random.whole(0, 3000))
  },
  blackhole: (links, random) => {
    for (const link of random.some(links, 0.15)) link.blackhole()
  },
  lostUp: (links, random) => {
    for (const link of random.some(links, 0.1)) link.lose('up')
  },
  lostDown: (links, random) => {
    for (const link of random.some(links, 0.1)) link.lose('down')
  },
}

/** The kinds that are noticed only by their silence: a page takes 45 seconds for that. */
export const SILENT = ['blackhole', 'lostUp', 'lostDown']

/** Every kind as often as every other, in an order of the seed's. */
export class Bag<Kind extends string> {
  #kinds: readonly Kind[]
  #random: Random
  #left: Kind[] = []

  constructor(kinds: readonly Kind[], random: Random) {
    this.#kinds = kinds
    this.#random = random
  }

  draw(): Kind {
    if (this.#left.length === 0) this.#left = [...this.#kinds]
    return this.#left.splice(this.#random.whole(0, this.#left.length), 1)[0]
  }
}

/** The connections of a proxy that still go somewhere. */
export function liveLinks({ links }: TcpProxy): Link[] {
  return [...links].filter(({ isLost }) => !isLost)
}
