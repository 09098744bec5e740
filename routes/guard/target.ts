// A name of 253 characters (RFC 1035, 2.3.4), perhaps with a dot at its end, and a port.
const HOST_CHARACTERS = 260
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i

/** What a request asks for where it names all of it, as it would to a proxy (RFC 9112, 3.2.2). */
export interface WholeTarget {
  readonly scheme: string
  readonly host: string
  readonly path: string
}

/** Reads the target of a request; undefined where it is only a path, or none. */
export function readWhole(target: string | undefined): WholeTarget | undefined {
  const [, scheme, host, path] = /^(https?):\/\/([^/?#]+)(.*)$/.exec(target ?? '') ?? []
  return host === undefined ? undefined : { scheme, host, path }
}

/** The host of a request; undefined where target and `Host` name two, because then either could be made up. */
export function hostOf(target: string | undefined, host: string | undefined): string | undefined {
  const whole = readWhole(target)
  return whole && whole.host !== host ? undefined : host
}

/**
 * A host that can be shown to others, with its port; undefined where it is none. A URI may name more by its grammar
 * (RFC 3986, 3.2.2), but no browser ever does.
 */
export function readHost(host: string | undefined): string | undefined {
  return host !== undefined && host.length <= HOST_CHARACTERS && HOST.test(host) ? host : undefined
}
