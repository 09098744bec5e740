import { networkInterfaces } from 'node:os'

/** The addresses at which others find a server that listens on this host, the nearest last. */
export function addressesOf(host: string, port: number, base: string): string[] {
  const own = bracketed(host)
  const hosts = {
    '0.0.0.0': () => [...near(['IPv4']), '127.0.0.1'],
    '[::]': () => [...near(['IPv4', 'IPv6']), '[::1]'],
  }
  const everywhere = hosts[canonical(own) as keyof typeof hosts]
  return (everywhere?.() ?? [own]).map((one) => `http://${one}:${port}${base}/`)
}

/** What this machine is called in its network; nothing where that may not be asked. */
function near(families: string[]): string[] {
  try {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
    const outer = all.filter(({ internal, address }) => !internal && !isOfOneLink(address))
    return families
      .flatMap((name) => outer.filter(({ family }) => family === name))
      .map(({ address }) => bracketed(address))
  } catch {
    return []
  }
}

/** Browsers open no address that needs the name of an interface beside it. */
function isOfOneLink(address: string): boolean {
  return /^fe[89ab]/i.test(address)
}

/** Zero has several spellings: `0`, `0.0.0.0`, `0:0:0:0:0:0:0:0`. */
function canonical(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
