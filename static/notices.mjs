// Gathers the licences of what a packed file carries, because it goes to machines where no package stands beside it.
import { readdir, readFile } from 'node:fs/promises'

// Names are compared by the tables of Unicode.
const UNICODE = { file: 'rooms/confusables.ts', licence: 'static/unicode-license.txt' }
// What browsers load, and the list of public suffixes, were packed before.
const BUILT = { file: 'static/built.ts', folders: ['node_modules/htmx.org', 'node_modules/tldts'] }
const LIST = 'Public Suffix List (publicsuffix.org), under the Mozilla Public License 2.0: https://mozilla.org/MPL/2.0/'

/**
 * The notices of all in these files that comes from others, as one comment; empty where nothing does.
 * @param paths files that were packed, relative to the project
 */
export async function noticesOf(paths) {
  const folders = new Set(paths.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]))
  folders.delete(undefined)
  const isBuilt = paths.includes(BUILT.file)
  if (isBuilt) for (const folder of BUILT.folders) folders.add(folder)
  const notices = await Promise.all([...folders].toSorted().map(noticeOf))
  if (isBuilt) notices.push(LIST)
  if (paths.includes(UNICODE.file)) notices.push(`Unicode data\n\n${(await readFile(UNICODE.licence, 'utf8')).trim()}`)
  if (notices.length === 0) return ''
  const text = ['This file carries the following, each under its own licence.', ...notices].join(`\n\n\n`)
  return `/*!\n${text.replaceAll('*/', '* /')}\n*/`
}

async function noticeOf(folder) {
  const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  if (files.length === 0) throw new Error(`${name} has no licence to carry on.`)
  const texts = await Promise.all(files.toSorted().map((file) => readFile(`${folder}/${file}`, 'utf8')))
  return [`${name} ${version}`, ...texts.map((text) => text.trim())].join('\n\n')
}
