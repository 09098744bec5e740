// Packs what browsers load into `static/built.ts`, the whole server into `main.js`, and for the package the program and the
// module, `start.js` and `parlour.js`, with what both stand on in `shared.js`.
import { createHash } from 'node:crypto'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants } from 'node:zlib'
import zopfli from '@gfx/zopfli'
import { build, transform } from 'esbuild'
import { EXPORTS } from './exports.mjs'
import { noticesOf } from './notices.mjs'
import { suffixes } from './suffixes.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
process.chdir(ROOT)

const { version } = JSON.parse(await readFile('package.json', 'utf8'))

// One file: two deferred scripts would race, and a page whose extension came second would never go live.
const HTMX = ['htmx.min.js', 'ext/hx-ws.min.js']

const files = [
  {
    part: 'script',
    stem: 'chat',
    ending: 'js',
    type: 'text/javascript',
    text: `${await htmx(HTMX)}\n${await script('static/chat.js', 'iife')}`,
  },
  {
    part: 'later',
    stem: 'later',
    ending: 'js',
    type: 'text/javascript',
    text: await script('static/later.js', 'esm'),
  },
  { part: 'style', stem: 'chat', ending: 'css', type: 'text/css', text: await style('static/chat.css') },
  { part: 'frame', stem: 'frame', ending: 'css', type: 'text/css', text: await style('static/frame.css') },
  { part: 'icon', stem: 'icon', ending: 'svg', type: 'image/svg+xml', text: await readFile('static/icon.svg', 'utf8') },
]
await writeFile('static/built.ts', moduleOf(await Promise.all(files.map(pack)), brotli(await suffixes())))
const SERVER = {
  // Before this file could change its folder, esbuild had looked where it was.
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  logLevel: 'warning',
  metafile: true,
}
await bundle({
  entryPoints: ['main.ts'],
  outfile: 'main.js',
  // Optional native parts of `ws`, which does without them.
  external: ['bufferutil', 'utf-8-validate'],
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)",
  },
})
await bundle({
  entryPoints: { start: 'entry:start', parlour: 'entry:parlour' },
  plugins: [entries()],
  splitting: true,
  outdir: ROOT,
  chunkNames: 'shared',
  // The host's own: a second copy of `hono` would be another one to its types, and of `ws` to its sockets.
  external: ['hono', 'ws'],
  minifyIdentifiers: true,
})

/** Where the package is entered: made here, because no file of the project names what the package gives. */
function entries() {
  const names = Object.entries(EXPORTS).map(([name, path]) => `export { ${name} } from './${path}'`)
  const texts = { 'entry:start': "#!/usr/bin/env node\nimport './main.ts'", 'entry:parlour': names.join('\n') }
  return {
    name: 'entries',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^entry:/ }, ({ path }) => ({ path, namespace: 'made' }))
      onLoad({ filter: /./, namespace: 'made' }, ({ path }) => ({ contents: texts[path], resolveDir: ROOT }))
    },
  }
}

/** Packs programs with all that they stand on, and into each file the licences of what is in it. */
async function bundle(options) {
  const { metafile } = await build({ ...SERVER, ...options })
  for (const [path, { inputs }] of Object.entries(metafile.outputs))
    await appendFile(path, await noticesOf(Object.keys(inputs)))
}

async function htmx(names) {
  const texts = await Promise.all(names.map((name) => readFile(htmxPath(name), 'utf8')))
  return texts.map((text) => text.replace(/^\/\/# sourceMappingURL.*$/m, '').trim()).join('\n')
}

function htmxPath(name) {
  return `node_modules/htmx.org/dist/${name}`
}

async function script(own, format) {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [own],
    bundle: true,
    minify: true,
    format,
    target: 'es2022',
    write: false,
  })
  return outputFiles[0].text
}

async function style(path) {
  const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true })
  return code
}

async function pack({ part, stem, ending, type, text }) {
  const bytes = Buffer.from(text)
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 10)
  const gzip = Buffer.from(await zopfli.gzipAsync(bytes, { numiterations: 15 }))
  const name = `${stem}-${hash}.${ending}`
  return { part, name, type, br: brotli(bytes).toString('base64'), gzip: gzip.toString('base64') }
}

function brotli(bytes) {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } })
}

function moduleOf(packed, suffixes) {
  const paths = Object.fromEntries(packed.map(({ part, name }) => [part, name]))
  const files = packed.map(({ name, type, br, gzip }) => ({ name, type, br, gzip }))
  return `// Made by static/build.mjs.\nexport const version = ${JSON.stringify(version)}\nexport const paths = ${JSON.stringify(paths)}\nexport const files = ${JSON.stringify(files)}\nexport const suffixes = '${suffixes.toString('base64')}'\n`
}
