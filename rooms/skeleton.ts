import { CONFUSABLES } from './confusables.ts'
import { UNSEEN } from './line.ts'

let confusables: Map<string, string> | undefined
// A stroke that only makes an Arabic word longer is drawn and yet not read.
const UNREAD_SIGNS = new RegExp(String.raw`[${UNSEEN}\u0640]`, 'gu')
// A dot above an i takes the place of its own.
const DOTTED = /(?<=[ij]\p{M}*)\u0307/gu

/**
 * A text with each sign as the one that it is most easily taken for, and without what is not seen or not read: texts
 * that resemble each other have one skeleton (UTS #39, Unicode Security Mechanisms, 4).
 */
export function skeleton(text: string): string {
  confusables ??= readConfusables()
  let prototype = ''
  for (const sign of text.normalize('NFD').replace(UNREAD_SIGNS, '')) prototype += confusables.get(sign) ?? sign
  return prototype.normalize('NFD').replace(DOTTED, '')
}

/** What each sign is taken for. The table is read when the first name comes. */
export function readConfusables(): Map<string, string> {
  const map = new Map<string, string>()
  let point = 0
  for (const [, distance, prototype] of CONFUSABLES.matchAll(/(\w+):([\w+]+)/g)) {
    point += Number.parseInt(distance, 36)
    const points = prototype.split('+').map((part) => Number.parseInt(part, 36))
    map.set(String.fromCodePoint(point), String.fromCodePoint(...points))
  }
  return map
}
