import type { Line } from './notebook.ts'

const LINE =
  /<li id="m(\d+)" class="message[^"]*"[^>]* data-cursor="([^"]*)"[^>]*>.*?<time datetime="([^"]*)">.*?<p class="text" dir="auto"[^>]*>([\s\S]*?)<\/p><\/li>|<li class="gap">(?:(\d+) )?[^<]*<\/li>/g

/** The messages and gaps in a piece of HTML, in order. The texts of these tests need no unescaping. */
export function linesIn(html: string): Line[] {
  return [...html.matchAll(LINE)].map(([, seq, cursor, at, text, missed]) =>
    seq === undefined
      ? { gap: missed === undefined ? undefined : Number(missed) }
      : { seq: Number(seq), cursor, text: text.replaceAll('<br>', ''), at: Date.parse(at) },
  )
}

/** The newest place that a frame carries. */
export function cursorIn(html: string): string | undefined {
  return /id="since" name="since" value="([^"]*)"/.exec(html)?.[1]
}
