import { BlockList, isIP, isIPv4 } from 'node:net'
import { plainAddress, readAddress } from './address.ts'

// More proxies than this stand in no row, and a list can be made as long as a request's headers may be.
const HOPS = 32

const MAPPED_BITS = 96

/** What the last of the trusted proxies was spoken to by, and how many they are. */
export interface Way {
  readonly hops: number
  readonly client: string | undefined
}

/** The proxies whose headers are believed. */
export class Proxies {
  // One each: runtimes differ in whether a block of IPv6 holds addresses of IPv4.
  #blocks = { 4: new BlockList(), 6: new BlockList() }
  #areAny: boolean
  /** The proxy that was seen last: most requests come by the same. */
  #last: string | undefined

  /** @param items addresses, blocks or `loopback`, as `noProxy` lets them pass */
  constructor(items: readonly string[]) {
    this.#areAny = items.length > 0
    for (const { address, bits, family } of items.flatMap(blocksIn))
      this.#blocks[family].addSubnet(address, bits, `ipv${family}`)
  }

  /**
   * Follows a request back through the trusted proxies, each of which wrote down at the right end of the list whom it
   * had before it. What cannot be read ends the way, and so does the first who is not trusted: all further to the left
   * may be made up.
   * @param peer the address at the other end of the connection
   * @param list gives `X-Forwarded-For`
   */
  follow(peer: string | undefined, list: () => string | undefined): Way {
    if (!this.#areAny || peer === undefined || !this.#has(plainAddress(peer))) return { hops: 0, client: peer }
    let way: Way = { hops: 1, client: peer }
    for (const written of fromRight(list())) {
      const address = readAddress(written)
      if (address === undefined) return way
      if (!this.#has(address)) return { ...way, client: address }
      way = { hops: way.hops + 1, client: address }
    }
    return way
  }

  #has(address: string): boolean {
    if (address === this.#last) return true
    const family = isIP(address) as 0 | 4 | 6
    if (family === 0 || !this.#blocks[family].check(address, `ipv${family}`)) return false
    this.#last = address
    return true
  }
}

/**
 * What the outermost trusted proxy said in a list to which each may have added. Some replace what was there, so that
 * the list is shorter than the way.
 * @param hops how many trusted proxies there are, one at least
 */
export function saidAt(list: string | undefined, hops: number): string | undefined {
  let said: string | undefined
  let left = hops
  for (const item of fromRight(list)) {
    said = item
    left -= 1
    if (left === 0) break
  }
  return said
}

/** The first of these that is neither an address, nor a block in CIDR (RFC 4632, 3.1; RFC 4291, 2.3), nor `loopback`. */
export function noProxy(items: readonly string[]): string | undefined {
  return items.find((item) => blocksIn(item).length === 0)
}

interface Block {
  readonly address: string
  readonly bits: number
  readonly family: 4 | 6
}

function blocksIn(item: string): Block[] {
  if (item === 'loopback') return ['127.0.0.0/8', '::1'].flatMap(blocksIn)
  const [, written = '', length] = /^([\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(item) ?? []
  const address = plainAddress(written)
  const family = isIPv4(address) ? 4 : 6
  const most = family === 4 ? 32 : 128
  const bits = length === undefined ? most : Number(length) - (address === written ? 0 : MAPPED_BITS)
  return isIP(address) > 0 && bits >= 0 && bits <= most ? [{ address, bits, family }] : []
}

/** The items of a list from its right end, without those that are empty (RFC 9110, 5.6.1), and not the whole of it. */
function* fromRight(list = ''): Iterable<string> {
  let end = list.length
  for (let count = 0; end > 0 && count < HOPS; count += 1) {
    const comma = list.lastIndexOf(',', end - 1)
    const item = list.slice(comma + 1, end).trim()
    if (item !== '') yield item
    end = comma
  }
}
