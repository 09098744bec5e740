import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

export const KINDS = ['nginx', 'caddy', 'haproxy'] as const
export type Kind = (typeof KINDS)[number]

// As the configurations call it.
const NAME = 'chat.example'
export const ORIGIN = `https://${NAME}`
const CONFIGURATIONS = new URL('../proxies/', import.meta.url)
const FILES: Record<Kind, readonly [atRoot: string, belowPath: string]> = {
  nginx: ['nginx.conf', 'nginx-path.conf'],
  caddy: ['Caddyfile', 'Caddyfile-path'],
  haproxy: ['haproxy.cfg', 'haproxy-path.cfg'],
}
// No authority vouches for it, and Deno takes no certificate of an authority for that of a server.
const CERTIFICATE = `[req]
distinguished_name = name
x509_extensions = use
[name]
[use]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:${NAME}
`
const TRY_MS = 50

const run = promisify(execFile)
// A test that ends in any other way must not leave its proxies behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** An answer whose body may still be coming. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: IncomingMessage
}

/** Where it stands on this machine. */
interface Place {
  readonly folder: string
  readonly port: number
  /** At which Caddy is told to read its configuration again. */
  readonly adminPort: number
  readonly chatPort: number
}

/** A real proxy, of a kind that people have, with a configuration that the README shows. */
export class Frontier {
  readonly port: number
  #certificate: string
  #kind: Kind
  #folder: string
  #file: string
  #child: ChildProcess
  #said = ''

  private constructor(kind: Kind, { folder, port }: Place, file: string, certificate: string) {
    this.#kind = kind
    this.#folder = folder
    this.#file = file
    this.port = port
    this.#certificate = certificate
    this.#child = spawn(kind, this.#flags(), { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(this.#child)
    for (const out of [this.#child.stdout, this.#child.stderr]) out?.on('data', (text) => (this.#said += text))
  }

  /** Starts it in front of a chat on this port, and waits until it listens. */
  static async start(kind: Kind, base: string, chatPort: number): Promise<Frontier> {
    const folder = await mkdtemp(join(tmpdir(), `parlour-${kind}-`))
    const [port, adminPort] = await freePorts(2)
    const certificate = await certify(folder)
    const name = FILES[kind][base ? 1 : 0]
    const text = await readFile(new URL(name, CONFIGURATIONS), 'utf8')
    const file = join(folder, name)
    const place = { folder, port, adminPort, chatPort }
    await writeFile(file, substitute(kind, text, place))
    const frontier = new Frontier(kind, place, file, certificate)
    await frontier.#listening()
    return frontier
  }

  /** How a client finds it and trusts it, though this machine does not know its name. */
  get tls() {
    return { host: '127.0.0.1', port: this.port, servername: NAME, ca: this.#certificate } as const
  }

  /** Reads its configuration again, as after a change of it. */
  async reload(): Promise<void> {
    if (this.#kind === 'nginx') await run('nginx', [...this.#flags(), '-s', 'reload'])
    else if (this.#kind === 'haproxy') this.#child.kill('SIGUSR2')
    else await run('caddy', ['reload', '--force', ...this.#flags().slice(1)], { env: this.#environment })
  }

  async stop(): Promise<void> {
    // One that reads its configuration again at this moment hears no signal.
    while (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill(this.#kind === 'haproxy' ? 'SIGTERM' : 'SIGINT')
      await delay(TRY_MS)
    }
    running.delete(this.#child)
    await rm(this.#folder, { recursive: true })
  }

  /** Asks for something; the body is a form. */
  ask(
    path: string,
    {
      fields,
      headers = {},
      from,
    }: { fields?: Record<string, string>; headers?: OutgoingHttpHeaders; from?: string } = {},
  ): Promise<Answer> {
    const body = fields && new URLSearchParams(fields).toString()
    const form = body && { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': body.length }
    const options = { ...this.tls, agent: false, path, localAddress: from, method: body === undefined ? 'GET' : 'POST' }
    return new Promise((resolve, reject) => {
      request({ ...options, headers: { Host: NAME, ...form, ...headers } }, (body) =>
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body }),
      )
        .on('error', reject)
        .end(body)
    })
  }

  #flags(): string[] {
    if (this.#kind === 'caddy') return ['run', '--adapter', 'caddyfile', '--config', this.#file]
    if (this.#kind === 'haproxy') return ['-W', '-db', '-f', this.#file]
    const user = process.getuid?.() === 0 ? 'user root; ' : ''
    const more = `${user}daemon off; pid ${this.#folder}/pid; error_log stderr error;`
    return ['-p', this.#folder, '-c', this.#file, '-g', more]
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, XDG_CONFIG_HOME: this.#folder, XDG_DATA_HOME: this.#folder }
  }

  async #listening(): Promise<void> {
    while (!(await isListening(this.port))) {
      if (this.#child.exitCode !== null) throw new Error(`${this.#kind} ended: ${this.#said}`)
      await delay(TRY_MS)
    }
  }
}

/** The whole of a body. */
export async function textOf({ body }: Answer): Promise<string> {
  let text = ''
  for await (const part of body) text += part
  return text
}

/** An answer of which nobody wants the body. */
export function discard(answer: Answer): Answer {
  answer.body.resume()
  return answer
}

/** A configuration for this machine: other ports, another certificate, and nothing outside its folder. */
function substitute(kind: Kind, text: string, { folder, port, adminPort, chatPort }: Place): string {
  const placed = text
    .replaceAll(`/etc/ssl/${NAME}/`, `${folder}/`)
    .replace('127.0.0.1:8000', `127.0.0.1:${chatPort}`)
    .replace(/(listen |bind :)443/, `${kind === 'nginx' ? 'listen ' : 'bind '}127.0.0.1:${port}`)
  if (kind === 'nginx') {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`)
    return placed.replace('http {', `http { access_log off; ${paths.join(' ')}`)
  }
  if (kind === 'haproxy') return placed
  const site = `https://${NAME}:${port} {\n\tbind 127.0.0.1\n\ttls ${folder}/cert.pem ${folder}/key.pem`
  return `{\n\tadmin 127.0.0.1:${adminPort}\n\tauto_https disable_redirects\n}\n${placed.replace(`${NAME} {`, site)}`
}

/** Makes a certificate of this machine and its key in a folder, and gives the certificate. */
async function certify(folder: string): Promise<string> {
  const at = (name: string) => join(folder, name)
  await writeFile(at('request'), CERTIFICATE)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key.pem')]
  const flags = ['-x509', '-days', '2', '-subj', `/CN=${NAME}`, '-config', at('request'), '-out', at('cert.pem')]
  await run('openssl', ['req', ...key, ...flags])
  const certificate = await readFile(at('cert.pem'), 'utf8')
  await writeFile(at('both.pem'), certificate + (await readFile(at('key.pem'), 'utf8')))
  return certificate
}

/** Ports that nobody listens on. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
