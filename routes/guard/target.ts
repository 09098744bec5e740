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
