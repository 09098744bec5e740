import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGES = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** What a packed file says of a package that it carries: its name, its version and its licence. */
export async function noticeOf(name: string): Promise<string> {
  const folder = join(PACKAGES, name)
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const licence = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file)) as string
  const text = (await readFile(join(folder, licence), 'utf8')).trim()
  return `\n${name} ${version}\n\n${text.replaceAll('*/', '* /')}\n`
}

/** What a packed file says of all that it carries; nothing where that is nothing. */
export function noticesIn(text: string): string {
  const at = text.lastIndexOf('/*!\nThis file carries')
  return at === -1 ? '' : text.slice(at)
}
