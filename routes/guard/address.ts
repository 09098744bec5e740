import { isIP, isIPv6 } from 'node:net'

const MAPPED = '0:0:0:0:0:ffff:'
// The longest there is: an address of IPv6 with IPv4 at its end, a long zone, and a port.
const ADDRESS_CHARACTERS = 100

/**
 * What counts as one address. Whoever has one of IPv6 has the 2^64 of its network, so that network counts as one; an
 * IPv4 address is the same one however it is written.
 * @param address as the network tells it
 */
export function blockOf(address = 'unknown'): string {
  const plain = plainAddress(address)
  return isIPv6(plain) ? `${groupsOf(plain).slice(0, 4).join(':')}::/64` : plain
}

/** An address without its zone (RFC 4007, 11), and without the IPv6 that carries one of IPv4 (RFC 4291, 2.5.5.2). */
export function plainAddress(address: string): string {
  const [plain] = address.split('%')
  if (!isIPv6(plain)) return plain
  const groups = groupsOf(plain)
  return groups.join(':').startsWith(MAPPED) ? dotted(groups.slice(6)) : plain
}

/**
 * Reads an address as proxies write it: some put a port behind it, and those of IPv6 then into brackets (RFC 7239, 6).
 * @returns the plain address; undefined where it is none, as `unknown`
 */
export function readAddress(written: string): string | undefined {
  if (written.length > ADDRESS_CHARACTERS) return undefined
  const [, bracketed, beforePort] = /^\[(.+)\](?::\d+)?$|^([\d.]+):\d+$/.exec(written) ?? []
  const plain = plainAddress(bracketed ?? beforePort ?? written)
  return isIP(plain) > 0 ? plain : undefined
}

/** The eight groups of an address (RFC 4291, 2.2), without zeros in front. */
function groupsOf(address: string): string[] {
  const hex = address.toLowerCase().replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head, tail] = hex.split('::').map((part) => part.split(':').filter(Boolean))
  const groups = tail ? [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail] : head
  return groups.map((group) => group.replace(/^0+(?=.)/, ''))
}

function dotted(groups: readonly string[]): string {
  return groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((number) => [number >> 8, number & 255])
    .join('.')
}
