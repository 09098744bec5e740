import process from 'node:process'
import type { Delays } from './delay.ts'
import type { Figures } from './figures.ts'

/** What a process tells whoever measures it. */
export interface Measured extends Figures {
  readonly delays: Delays
  readonly version: string
}

/** What follows the name of a metric, a label or a suffix, and the value. */
type Sample = readonly [rest: string, value: number]

/** One metric: one value, or several samples. */
interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'summary'
  readonly help: string
  read(measured: Measured): number | readonly Sample[]
}

/** What the text is, for a `Content-Type`. */
export const TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All that is measured. No label tells of one room, member or address. */
const METRICS: readonly Metric[] = [
  gauge('parlour_rooms', 'Rooms that somebody is in.', ({ rooms }) => rooms),
  gauge('parlour_members', 'Members who are in those rooms, once for each room.', ({ members }) => members),
  gauge('parlour_connections', 'Open connections, by what they are.', ({ connections }) =>
    labelled('kind', Object.entries(connections)),
  ),
  gauge('parlour_queue_bytes', 'Bytes that wait for their readers, over all connections.', (all) => all.queueBytes),
  counter('parlour_messages_total', 'Messages that were kept.', ({ messages }) => messages),
  counter('parlour_deliveries_total', 'Entries written to connections.', ({ deliveries }) => deliveries),
  counter('parlour_refusals_total', 'Refusals, by why.', ({ refusals }) => labelled('kind', Object.entries(refusals))),
  {
    name: 'parlour_event_loop_delay_seconds',
    type: 'summary',
    help: 'How late timers came: quantiles of the last minute, 1 being the longest.',
    read: ({ delays: { quantiles, sum, count } }) => [
      ...labelled('quantile', quantiles),
      ['_sum', sum],
      ['_count', count],
    ],
  },
  gauge('parlour_info', 'Which version runs.', ({ version }) => labelled('version', [[version, 1]])),
  gauge('process_resident_memory_bytes', 'Memory that the process holds.', () => process.memoryUsage().rss),
  gauge('process_start_time_seconds', 'When the process began, since 1970.', () => STARTED),
]

const STARTED = Math.round(Date.now() - process.uptime() * 1000) / 1000

/** All of it as Prometheus reads it (text exposition format 0.0.4). */
export function metricsText(measured: Measured): string {
  return METRICS.map((metric) => textOf(metric, measured)).join('')
}

function textOf({ name, type, help, read }: Metric, measured: Measured): string {
  const value = read(measured)
  const values: readonly Sample[] = typeof value === 'number' ? [['', value]] : value
  const samples = values.map(([rest, number]) => `${name}${rest} ${number}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}`
}

function gauge(name: string, help: string, read: Metric['read']): Metric {
  return { name, type: 'gauge', help, read }
}

function counter(name: string, help: string, read: Metric['read']): Metric {
  return { name, type: 'counter', help, read }
}

/** Values by their label. What stands in one is our own, and needs no escaping. */
function labelled(label: string, values: readonly Sample[]): Sample[] {
  return values.map(([value, number]) => [`{${label}="${value}"}`, number])
}
