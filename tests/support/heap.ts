import process from 'node:process'
import { getHeapSnapshot, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Makes the runtime collect what nobody holds, where it lets itself be asked. */
export function collector(): (() => void) | undefined {
  setFlagsFromString('--expose-gc')
  return runInNewContext('globalThis.gc')
}

/** Bytes of heap that each turn leaves behind; undefined where the runtime cannot be asked to collect. */
export async function grownBy(turns: number, act: (number: number) => unknown): Promise<number | undefined> {
  const gc = collector()
  if (!gc) return undefined
  const before = await heapUsed(gc)
  for (let number = 0; number < turns; number += 1) await act(number)
  return ((await heapUsed(gc)) - before) / turns
}

/** What is held natively is let go in a later turn, and what held it with the next collection. */
async function heapUsed(gc: () => void): Promise<number> {
  for (let count = 0; count < 3; count += 1) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

/** All texts that something holds, as V8 writes them down: the first 1,024 letters of each. */
export async function textsHeld(): Promise<string> {
  const parts: string[] = []
  for await (const part of getHeapSnapshot()) parts.push(String(part))
  return parts.join('')
}
