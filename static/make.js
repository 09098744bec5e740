/** Makes an element. */
export function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties)
}
