// While the package is packed its manifest says what the package needs; afterwards again what a clone needs, which also
// builds: what its files carry in them is to be installed by nobody else.
import { readFile, rename, writeFile } from 'node:fs/promises'
import process from 'node:process'

const MANIFEST = 'package.json'
const WHOLE = 'package.whole.json'
// What they take from where it is installed, beside the peers.
const NEEDED = ['ws']

if (process.argv[2] === 'whole') await rename(WHOLE, MANIFEST)
else {
  const text = await readFile(MANIFEST, 'utf8')
  const { scripts: _, devDependencies: __, allowScripts: ___, dependencies, ...manifest } = JSON.parse(text)
  const needed = Object.fromEntries(NEEDED.map((name) => [name, `^${dependencies[name]}`]))
  await writeFile(WHOLE, text)
  await writeFile(MANIFEST, `${JSON.stringify({ ...manifest, dependencies: needed }, null, 2)}\n`)
}
