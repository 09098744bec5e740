/** Does something; throws where it normalises a text of more than so many units, which takes the square of its marks. */
export function unnormalised<Answer>(units: number, act: () => Answer): Answer {
  const normalize = String.prototype.normalize
  Reflect.set(String.prototype, 'normalize', function (this: string, form?: string) {
    if (this.length > units || /\p{M}{12}/u.test(`${this}`))
      throw new RangeError(`${this.length} units were to be normalised`)
    return normalize.call(this, form)
  })
  try {
    return act()
  } finally {
    Reflect.set(String.prototype, 'normalize', normalize)
  }
}
