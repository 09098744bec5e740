/** What a client asks for in one frame: where to begin, or something to be said. */
export interface Asked {
  readonly since?: string
  readonly text?: string
  readonly key?: string
}

/** Reads a frame; undefined where it is none that can be read. Other fields, as htmx adds, are ignored. */
export function readAsked(data: string): Asked | undefined {
  let json: unknown
  try {
    json = JSON.parse(data)
  } catch {
    return undefined
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const { since, text, key } = json as Record<string, unknown>
  const isReadable = [since, text, key].every((value) => value === undefined || typeof value === 'string')
  return isReadable ? (json as Asked) : undefined
}
