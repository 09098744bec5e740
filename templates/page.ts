import { type Html, html } from './html.ts'

/** What is to be known of the frame, on somebody else's page, in which a page is shown. */
export interface Frame {
  /** Whether the page around asked for a room without a form to write. */
  readonly isReadonly: boolean
}

/** What every page needs to know of the place it is served from. */
export interface Place {
  /** The base path, without a slash at its end. */
  readonly base: string
  readonly assets: Readonly<Record<'script' | 'later' | 'style' | 'frame' | 'icon', string>>
  /** Left out where the page has a window to itself. */
  readonly frame?: Frame
}

export interface PageOptions {
  readonly title: string
  readonly className: string
  readonly place: Place
  readonly body: Html
  /** Whether it goes on by scripts. */
  readonly isScripted?: boolean
  /** The member whose messages are to look like one's own. */
  readonly own?: string
  /** Whether it only ever stands in a frame of another page, and does without what a window needs. */
  readonly isPart?: boolean
}

/** The address of a page that is to stay in the frame where there is one. */
export function staying({ frame }: Place, path: string): string {
  return frame ? `${path}?framed${frame.isReadonly ? '&readonly' : ''}` : path
}

/** Keeps a form, or a link, in the frame: what else is followed there opens in a window. */
export function inFrame({ frame }: Place): Html | false {
  return frame !== undefined && html` target="_self"`
}

/** A whole page. */
export function page({ body, ...options }: PageOptions): Html {
  return html`${head(options)}${body}
</body>
</html>
`
}

/** A page up to where its content begins, for one that is never finished. */
export function head({ title, className, place, isScripted, own, isPart }: Omit<PageOptions, 'body'>): Html {
  const { base, assets } = place
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
${!isPart && !place.frame && window({ base, assets })}${place.frame && html`<base target="_blank">`}
<link rel="stylesheet" href="${base}/static/${assets.style}">
${place.frame && html`<link rel="stylesheet" href="${base}/static/${assets.frame}">`}${own && html`<link rel="stylesheet" href="${base}/own/${own}.css">`}
${isScripted && html`<script src="${base}/static/${assets.script}" defer></script>`}
</head>
<body class="${className}${place.frame && ' framed'}">
`
}

function window({ base, assets }: Place): Html {
  return html`<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<link rel="icon" href="${base}/static/${assets.icon}" type="image/svg+xml">`
}
