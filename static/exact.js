const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

/** Lets a time say the day and the second too, where it is pointed at. */
export function tellExactly(time) {
  time.title = format.format(new Date(time.dateTime))
}
