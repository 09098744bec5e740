// What most visits do without, in a file of its own.
export { copy } from './copy.js'
export { tellExactly } from './exact.js'
export { judge } from './judge.js'
export { dropWhereOver } from './over.js'
export { trim } from './trim.js'
export { openAsking, openEvents } from './ways.js'
