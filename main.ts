import process from 'node:process'
import { openStore } from './rooms/stores/open.ts'
import { addressesOf } from './routes/reach.ts'
import { type RunningServer, type ServerOptions, startServer } from './routes/server.ts'
import { HELP, readSettings, type Settings, SettingsError } from './routes/settings.ts'
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

// The one place that hears of what was started and failed with nobody waiting for it.
process.on('unhandledRejection', (error) => console.error(error))

try {
  await answer(process.argv.slice(2))
} catch (error) {
  const isSetting = error instanceof SettingsError
  console.error(isSetting ? `parlour: ${error.message}` : error)
  process.exitCode = isSetting ? 2 : 1
}

async function answer(flags: string[]): Promise<void> {
  if (flags.includes('-h') || flags.includes('--help')) console.log(HELP)
  else if (flags.includes('-v') || flags.includes('--version')) console.log(version)
  else await run(readSettings(flags, process.env))
}

async function run(settings: Settings): Promise<void> {
  const server = await start({ ...settings, store: openStore(settings.store, settings) })
  console.log(`Parlour is listening on ${addressesOf(settings.host, server.port, settings.base).join(' and ')}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(server))
}

async function start(options: ServerOptions): Promise<RunningServer> {
  try {
    return await startServer(options)
  } catch (error) {
    const { code = '', syscall = '' } = error as NodeJS.ErrnoException
    const reason = ['listen', 'getaddrinfo'].includes(syscall) ? REASONS[code] : undefined
    if (reason === undefined) throw error
    const advice = 'Choose another with PORT or HOST; PORT=0 picks a free port.'
    throw new SettingsError(`cannot listen on ${options.host}, port ${options.port}: ${reason} (${code}). ${advice}`)
  }
}

async function stop(server: RunningServer): Promise<void> {
  setTimeout(() => process.exit(0), LONGEST_STOP_MS).unref()
  await server.stop()
  process.exit(0)
}
