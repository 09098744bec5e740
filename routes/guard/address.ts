import { isIPv6 } from 'node:net'

const MAPPED = '0:0:0:0:0:ffff:'

/**
 * What counts as one address. Whoever has one of IPv6 has the 2^64 of its network, so that network counts as one; an
 * IPv4 address is the same one however it is written.
 * @param address as the network tells it
 */
export function blockOf(address = 'unknown'): string {
  const [plain] = address.split('%')
  if (!isIPv6(plain)) return plain
  const groups = groupsOf(plain)
  if (groups.join(':').startsWith(MAPPED)) return dotted(groups.slice(6))
  return `${groups.slice(0, 4).join(':')}::/64`
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
