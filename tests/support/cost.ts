import { readdir, readFile } from 'node:fs/promises'
import type { ServerProcess } from './process.ts'

/** Where Linux tells what a process costs; there is no other way to ask a process about itself from outside. */
export const PROC = '/proc/self/fd'

/** How many descriptors a server holds. */
export async function descriptorsOf({ id }: ServerProcess): Promise<number> {
  return (await readdir(`/proc/${id}/fd`)).length
}

/** Bytes of memory that a server holds. */
export async function memoryOf({ id }: ServerProcess): Promise<number> {
  const status = await readFile(`/proc/${id}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

/** Clock ticks that a server has worked, in all its threads: what neighbours do on the machine does not count. */
export async function workOf({ id }: ServerProcess): Promise<number> {
  const fields = (await readFile(`/proc/${id}/stat`, 'utf8')).split(') ')[1].split(' ')
  return Number(fields[11]) + Number(fields[12])
}
