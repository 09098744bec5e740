import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
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
  gc()
  const before = process.memoryUsage().heapUsed
  for (let number = 0; number < turns; number += 1) await act(number)
  gc()
  return (process.memoryUsage().heapUsed - before) / turns
}
