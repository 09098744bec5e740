import process from 'node:process'
import { MemoryStore } from './rooms/memory.ts'
import { type RunningServer, startServer } from './routes/server.ts'
import { HELP, readSettings, type Settings, SettingsError } from './routes/settings.ts'

const HISTORY_BYTES = 1024 * 1024
const LONGEST_STOP = 9500

// The one place that hears of what was started and failed with nobody waiting for it.
process.on('unhandledRejection', (error) => console.error(error))

try {
  if (process.argv.includes('--help')) console.log(HELP)
  else await run(readSettings(process.argv.slice(2), process.env))
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  console.error(`parlour: ${error.message}`)
  process.exitCode = 2
}

async function run(settings: Settings): Promise<void> {
  const store = new MemoryStore({ history: settings.history, bytes: HISTORY_BYTES })
  const server = await start({ ...settings, store })
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host
  console.log(`Parlour is listening on http://${host}:${server.port}${settings.base}/`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(server))
}

async function start(options: Parameters<typeof startServer>[0]): Promise<RunningServer> {
  try {
    return await startServer(options)
  } catch (error) {
    throw new SettingsError(
      `cannot listen on ${options.host}:${options.port} (${(error as NodeJS.ErrnoException).code}). ${ADVICE}`,
    )
  }
}

const ADVICE = 'Choose another with PORT or HOST; PORT=0 picks a free one.'

async function stop(server: RunningServer): Promise<void> {
  setTimeout(() => process.exit(0), LONGEST_STOP).unref()
  await server.stop()
  process.exit(0)
}
