import { readdir, readFile } from 'node:fs/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

interface Import {
  readonly from: string
  readonly isType: boolean
}

interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

const ROOT = new URL('..', import.meta.url)
const IMPORT = /^import\s+(type\s+)?([^'"]*?)\s*(?:from\s+)?['"]([^'"]+)['"]/gm
const UNNAMED = /^(index|utils?|helpers?|common|misc|shared|lib|managers?|services?|handlers?|data|info|core|base)\b/

const FOLDERS = ['rooms', 'rooms/stores', 'routes', 'routes/guard', 'routes/wire', 'templates', 'static', '']

const test = suite('house')
const sources = (await Promise.all(FOLDERS.map(read))).flat()

test('there is a house to look at', () => {
  for (const folder of ['rooms', 'routes', 'templates']) assert.ok(within(folder).length > 5, folder)
  assert.ok(sources.some(({ path }) => path === 'main.ts'))
  assert.ok(within('routes').some(({ imports }) => imports.some(({ from }) => from.startsWith('../rooms/'))))
})

test('rooms/ knows nothing outside itself', () => {
  holds(within('rooms'), ({ from }) => !from.startsWith('.') || /^\.\/(stores\/)?[^/]+$|^\.\.\/[^/]+$/.test(from))
  holds(within('rooms'), ({ from }) => !/^(hono|ws|@hono|htmx)/.test(from))
})

test('templates/ know themselves, the types of rooms/ and what there is pure', () => {
  const pure = within('rooms').filter(({ imports }) => imports.every(({ isType }) => isType))
  const isPure = (from: string) => pure.some(({ path }) => from === `../${path}`)
  const isOwn = (from: string) => /^\.\/[^/]+$/.test(from) || /^hono\/(html|utils\/html)$/.test(from)
  holds(
    within('templates'),
    ({ from, isType }) => isOwn(from) || (from.startsWith('../rooms/') && (isType || isPure(from))),
  )
})

test('routes/ know rooms/, templates/ and what is built for browsers', () => {
  const own = within('routes').filter(({ path }) => !path.endsWith('.d.ts'))
  holds(
    own,
    ({ from }) =>
      !from.startsWith('.') ||
      /^(\.\/|(\.\.\/)+(rooms|templates)\/|\.\.\/(guard|wire)\/|\.\.\/static\/built\.ts$)/.test(from),
  )
})

test('guard/ and wire/ do not know the files above them', () => {
  for (const folder of ['routes/guard', 'routes/wire'])
    holds(within(folder), ({ from }) => !/^\.\.\/[^/]+\.ts$/.test(from))
  holds(within('routes/guard'), ({ from }) => !from.startsWith('../wire/'))
})

test('nobody but main.ts and chat.ts opens a store: rooms/ and routes/ know the seams', () => {
  const outer = [...within('rooms').filter(({ path }) => !path.startsWith('rooms/stores/')), ...within('routes')]
  holds(
    outer.filter(({ path }) => path !== 'routes/chat.ts'),
    ({ from, isType }) => !/stores\/(?!(store|bus|prompt)\.ts$)/.test(from) || isType,
  )
  holds(within('routes'), ({ from, isType }) => !/stores\/(?!(store|bus|prompt|open)\.ts$)/.test(from) || isType)
})

test('imports run in no circle, not even those of types', () => {
  const known = new Map(sources.map(({ path, imports }) => [path, imports.map(({ from }) => resolved(path, from))]))
  const done = new Set<string>()
  const circles: string[] = []
  const follow = (path: string, way: readonly string[]) => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '))
    if (way.includes(path) || done.has(path)) return
    for (const next of known.get(path) ?? []) follow(next, [...way, path])
    done.add(path)
  }
  for (const path of known.keys()) follow(path, [])
  assert.equal(circles, [])
})

test('rooms/ names no refusal that only others give', () => {
  const types = sources.find(({ path }) => path === 'rooms/types.ts')?.text ?? ''
  const [codes = ''] = /(?<=^export type RefusalCode =)(\s+\| '[a-z-]+')+/m.exec(types) ?? []
  const named = [...codes.matchAll(/'[a-z-]+'/g)].map(([code]) => code)
  const given = new Set(within('rooms').flatMap(({ text }) => text.match(/(?<=\w\(\s*)'[a-z-]+'/g) ?? []))
  assert.ok(named.length > 20)
  assert.equal(
    named.filter((code) => !given.has(code)),
    [],
  )
})

test('nobody knows main.ts', () => {
  holds(sources, ({ from }) => !/(^|\/)main(\.ts|\.js)?$/.test(from))
})

test('there are no barrels', () => {
  const exporting = sources.filter(({ text }) => /^export\s.*\sfrom\s+['"]/m.test(text) || /^export\s+\*/m.test(text))
  assert.equal(
    exporting.map(({ path }) => path),
    [],
  )
})

test('every import names a file or a package that is there to be imported', () => {
  holds(sources, ({ from }) => !from.startsWith('.') || from.endsWith('.ts'))
})

test('every file has a name of its own', () => {
  assert.equal(
    sources.map(({ path }) => path).filter((path) => UNNAMED.test(path.split('/').at(-1) as string)),
    [],
  )
})

function holds(files: readonly Source[], isLawful: (one: Import) => boolean): void {
  const broken = files.flatMap(({ path, imports }) =>
    imports.filter((one) => !isLawful(one)).map(({ from }) => `${path} imports ${from}`),
  )
  assert.equal(broken, [])
}

/** The path of what a file imports, from the top of the house. */
function resolved(path: string, from: string): string {
  return new URL(from, new URL(path, 'file:///')).pathname.slice(1)
}

function within(folder: string): Source[] {
  return sources.filter(({ path }) => path.startsWith(`${folder}/`))
}

async function read(folder: string): Promise<Source[]> {
  const names = (await readdir(new URL(`${folder}/`.replace(/^\/$/, './'), ROOT))).filter((name) =>
    name.endsWith('.ts'),
  )
  return Promise.all(names.map((name) => readSource(folder ? `${folder}/${name}` : name)))
}

async function readSource(path: string): Promise<Source> {
  const text = path === 'static/built.ts' ? '' : await readFile(new URL(path, ROOT), 'utf8')
  const imports = [...text.matchAll(IMPORT)].map(([, type, names, from]) => ({ from, isType: isType(type, names) }))
  return { path, text, imports }
}

/** Whether all that is imported is gone once the types are. */
function isType(type: string | undefined, names: string): boolean {
  const each = names
    .replace(/[{}\s]+/g, ' ')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  return type !== undefined || (each.length > 0 && each.every((name) => name.startsWith('type ')))
}

test.run()
