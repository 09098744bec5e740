/** One family of metrics, as a strict reader of the text format finds it. */
export interface Family {
  readonly type: string
  readonly help: string
  /** Values by name and labels. */
  readonly samples: Map<string, number>
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"'
const HELP = new RegExp(`^# HELP (${NAME}) ([^\\n]+)$`)
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`)
const SAMPLE = new RegExp(
  `^((${NAME})(?:\\{(?:${LABEL})(?:,${LABEL})*\\})?) ([-+]?(?:\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?|Inf|NaN))$`,
)

/**
 * Reads Prometheus' text exposition format 0.0.4. Throws at whatever it forbids, and what `promtool check metrics` finds
 * wrong: a family without help or type, or in two places; a sample twice, or of no family; a counter without `_total`.
 */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, Family>()
  const lines = text.slice(0, -1).split('\n')
  for (let index = 0; index < lines.length;) {
    const [, name, help] = HELP.exec(lines[index]) ?? fail(lines[index])
    const [, typed, type] = TYPE.exec(lines[index + 1] ?? '') ?? fail(lines[index + 1])
    if (typed !== name || families.has(name)) fail(lines[index])
    if ((type === 'counter') !== name.endsWith('_total')) fail(name)
    const samples = new Map<string, number>()
    for (index += 2; index < lines.length && !lines[index].startsWith('#'); index += 1) {
      const [, key, of, value] = SAMPLE.exec(lines[index]) ?? fail(lines[index])
      const isOwn = of === name || (type === 'summary' && [`${name}_sum`, `${name}_count`].includes(of))
      if (!isOwn || samples.has(key)) fail(lines[index])
      samples.set(key, Number(value.replace('Inf', 'Infinity')))
    }
    if (samples.size === 0) fail(name)
    families.set(name, { type, help, samples })
  }
  return families
}

function fail(line: string | undefined): never {
  throw new Error(`not in the format: ${line}`)
}
