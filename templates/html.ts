import { html as template } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** HTML that may go out as it is: everything put into it was escaped, or was such HTML itself. */
export type Html = HtmlEscapedString

/** A template whose values are escaped. No value may be a promise. */
export const html = template as (strings: TemplateStringsArray, ...values: unknown[]) => Html
