// Gathers the licences of what `main.js` carries, because it goes to machines where no package stands beside it.
import { readdir, readFile } from 'node:fs/promises'

// Names are compared by the tables of Unicode, which come in packages under licences of their own.
const UNICODE = 'static/unicode-license.txt'

/**
 * The notices of every package that these files belong to, as one comment.
 * @param paths files that were packed, relative to the project
 */
export async function noticesOf(paths) {
  const folders = new Set(paths.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]))
  folders.delete(undefined)
  const notices = await Promise.all([...folders].toSorted().map(noticeOf))
  const unicode = `Unicode data\n\n${(await readFile(UNICODE, 'utf8')).trim()}`
  const list =
    'Public Suffix List (publicsuffix.org), under the Mozilla Public License 2.0: https://mozilla.org/MPL/2.0/'
  const text = ['This file carries the following, each under its own licence.', ...notices, list, unicode].join(
    `\n\n\n`,
  )
  return `/*!\n${text.replaceAll('*/', '* /')}\n*/`
}

async function noticeOf(folder) {
  const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  if (files.length === 0) throw new Error(`${name} has no licence to carry on.`)
  const texts = await Promise.all(files.toSorted().map((file) => readFile(`${folder}/${file}`, 'utf8')))
  return [`${name} ${version}`, ...texts.map((text) => text.trim())].join('\n\n')
}
