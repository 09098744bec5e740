// What most visits do without, in a file of its own.
export { copy } from './copy.js'
export { tellExactly } from './exact.js'
export { isForgotten } from './forgotten.js'
export { judge } from './judge.js'
export { trim } from './trim.js'
export { openAsking, openEvents } from './ways.js'
