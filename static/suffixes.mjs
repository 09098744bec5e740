// Gathers the public suffixes, below which sites belong to people who have nothing to do with each other, from the
// package that keeps them: the Public Suffix List (publicsuffix.org), which is under the Mozilla Public License 2.0.

// Where that package keeps them.
const SUFFIXES = 'node_modules/tldts/dist/es6/src/data/trie.js'

/**
 * The suffixes of two labels and more, in ASCII, as one text: their labels the other way round, in order, each without
 * the letters that it shares with the one before, whose number stands in front in base 36. Those that are none though
 * a `*` takes them in begin with `!`.
 */
export async function suffixes() {
  const trie = await import(new URL(`../${SUFFIXES}`, import.meta.url).href)
  const names = (root) =>
    [...namesBelow(trie, root)]
      .filter((name) => name.includes('.') && /^[!-~]+$/.test(name))
      .map((name) => name.split('.').toReversed().join('.'))
  return pack([...names(trie.rulesRoot), ...names(trie.exceptionsRoot).map((name) => `!${name}`)].toSorted())
}

function* namesBelow(trie, node, above = '') {
  const { nodeFlags, edgeChild, edgeStart } = trie
  for (let edge = edgeStart[node]; edge < edgeStart[node + 1]; edge += 1) {
    const name = labelOf(trie, edge) + (above && `.${above}`)
    if (nodeFlags[edgeChild[edge]]) yield name
    yield* namesBelow(trie, edgeChild[edge], name)
  }
}

const offsets = []

function labelOf({ edgeLength, labelText }, edge) {
  if (offsets.length === 0) edgeLength.reduce((end, length) => (offsets.push(end), end + length), 0)
  return labelText.slice(offsets[edge], offsets[edge] + edgeLength[edge])
}

function pack(names) {
  return names
    .map((name, index) => {
      const before = names[index - 1] ?? ''
      let shared = 0
      while (shared < 35 && shared < name.length && name[shared] === before[shared]) shared += 1
      return shared.toString(36) + name.slice(shared)
    })
    .join('\n')
}
