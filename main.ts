import process from 'node:process'
import { systemClock } from './rooms/clock.ts'
import { openStore } from './rooms/stores/open.ts'
import { DelayMeter } from './routes/delay.ts'
import { Ledger } from './routes/guard/ledger.ts'
import { reportAll } from './routes/guard/report.ts'
import { metricsText } from './routes/metrics.ts'
import { addressesOf } from './routes/reach.ts'
import { type HostPort, SettingsError } from './routes/reading.ts'
import { type ScrapeServer, serveMetrics } from './routes/scrape.ts'
import { type RunningServer, startServer } from './routes/server.ts'
import { HELP, readSettings, type Settings } from './routes/settings.ts'
import { version } from './static/built.ts'

const LONGEST_STOP_MS = 9500

const NO_ADDRESS = 'this machine has no such address'
// Why an address cannot be listened on, by the system's own names; what else fails has another cause.
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there already',
  EACCES: 'the system does not allow it, as it does not for ports below 1024',
  EADDRNOTAVAIL: NO_ADDRESS,
  EAFNOSUPPORT: NO_ADDRESS,
  // Deno calls it so, and Node does for an address that lacks its interface.
  EINVAL: NO_ADDRESS,
  ENOTFOUND: 'no host has this name',
  EAI_AGAIN: 'the name could not be looked up',
}

interface Running {
  readonly server: RunningServer
  readonly metrics: ScrapeServer | undefined
}

const ledger = new Ledger(systemClock, reportAll)

// Whoever reads the reports may go away; the chat goes on without them.
process.stdout.on('error', () => {})
// The one place that hears of what was started and failed with nobody waiting for it.
process.on('unhandledRejection', ledger.failed)
// What was left half done cannot be trusted any more.
process.on('uncaughtException', (error) => {
  ledger.failed(error)
  process.exit(1)
})

try {
  await answer(process.argv.slice(2))
} catch (error) {
  const isSetting = error instanceof SettingsError
  console.error(isSetting ? `parlour: ${error.message}` : error)
  process.exit(isSetting ? 2 : 1)
}

async function answer(flags: string[]): Promise<void> {
  if (flags.includes('-h') || flags.includes('--help')) console.log(HELP)
  else if (flags.includes('-v') || flags.includes('--version')) console.log(version)
  else await run(readSettings(flags, process.env))
}

async function run(settings: Settings): Promise<void> {
  const running = await start(settings)
  // Whoever reads that it is ready may tell it at once to stop.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(running, signal))
  const [store] = settings.store.split(':')
  const addresses = addressesOf(settings.host, running.server.port, settings.base)
  const secret = settings.isSecretMade ? '; sessions end with this process, because no SECRET is set' : ''
  console.log(`Parlour is listening on ${addresses.join(' and ')} (rooms are kept in ${store}${secret})`)
  reportAll({
    event: 'start',
    version,
    runtime: process.versions.deno ? `deno ${process.versions.deno}` : `node ${process.versions.node}`,
    store,
    port: running.server.port,
    addresses: addresses.length,
    metrics: running.metrics?.port,
  })
}

async function start(settings: Settings): Promise<Running> {
  const store = openStore(settings.store, settings)
  const choose = (setting: string) => `Choose another with ${setting}; port 0 picks a free one.`
  const listening = startServer({ ...settings, store, ledger, report: reportAll })
  const server = await named(listening, settings, choose('PORT or HOST'))
  const place = settings.metrics
  const metrics = place && (await named(measure(server, place), place, choose('METRICS')))
  return { server, metrics }
}

function measure(server: RunningServer, place: HostPort): Promise<ScrapeServer> {
  const meter = new DelayMeter(systemClock)
  return serveMetrics(place, () => metricsText({ ...server.figures(), delays: meter.read(), version }))
}

/** The same, and where it cannot listen an error that says which address, why, and what to do. */
async function named<T>(listening: Promise<T>, { host, port }: HostPort, advice: string): Promise<T> {
  try {
    return await listening
  } catch (error) {
    const { code = '', syscall = '' } = error as NodeJS.ErrnoException
    const reason = ['listen', 'getaddrinfo'].includes(syscall) ? REASONS[code] : undefined
    if (reason === undefined) throw error
    throw new SettingsError(`cannot listen on ${host}, port ${port}: ${reason} (${code}). ${advice}`)
  }
}

async function stop(running: Running, signal: string): Promise<void> {
  setTimeout(() => end(running, signal), LONGEST_STOP_MS).unref()
  await running.server.stop().catch(ledger.failed)
  await running.metrics?.stop()
  end(running, signal)
}

function end({ server }: Running, signal: string): never {
  const { messages, deliveries } = server.figures()
  ledger.flush()
  reportAll({ event: 'stop', signal, seconds: Math.round(process.uptime()), messages, deliveries })
  process.exit(0)
}
