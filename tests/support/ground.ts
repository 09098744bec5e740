import { setImmediate } from 'node:timers'
import { suite as plainSuite, type Test } from 'uvu'
import { type Bus, LocalBus } from '../../rooms/stores/bus.ts'
import type { Store } from '../../rooms/stores/store.ts'
import { Random } from '../faults/random.ts'
import { ChaosBus, ChaosStore } from './chaos.ts'
import { SEED } from './seed.ts'

/** What suites stand on when they are run once more. */
export interface Ground {
  /** Said with each of their tests. */
  readonly name: string
  /** The shares of hints that are lost, and that come twice; left out where all come at once. */
  readonly hints?: { readonly lost: number; readonly doubled: number }
}

/** Why some tests of a suite are left out, by their names. */
type Reasons = Readonly<Record<string, string>>

// Rooms are looked at four times as often as they could expire: what a hint that was lost was about is found in a moment.
const SHORT_TTL_MS = 1000
// A busy room gathers for fewer turns than that before it reads.
const CALM_TURNS = 12

const random = new Random(SEED)
const chaos: (ChaosStore | ChaosBus)[] = []
let ground: Ground | undefined
let leftOut: Reasons = {}
let met = new Set<string>()

/** Runs suites of the folder above once more, on another ground; each with the tests that it leaves out, and why. */
export async function runAgainOn(other: Ground, suites: Readonly<Record<string, Reasons>>): Promise<void> {
  ground = other
  for (const [name, reasons] of Object.entries(suites)) {
    leftOut = reasons
    met = new Set()
    await import(new URL(`../${name}.ts`, import.meta.url).href)
    const unknown = Object.keys(reasons).filter((test) => !met.has(test))
    if (unknown.length > 0) throw new Error(`${name} has no such tests: ${unknown.join('; ')}`)
  }
}

/** A suite of uvu, whose tests say on which ground they are run where that is another. */
export function suite<T = Record<string, never>>(name: string): Test<T> {
  if (!ground) return plainSuite<T>(name)
  const words = ground.name
  const plain = plainSuite<T>(`${name}, ${words}`)
  const again = (test: string, act: Parameters<Test<T>>[1]) => {
    met.add(test)
    if (!(test in leftOut)) plain(`${test}: ${words}`, act)
  }
  return Object.assign(again, plain) as unknown as Test<T>
}

/** The store that a test asks for, as it answers on this ground. */
export function storeOn(store: Store): Store {
  return ground ? keep(new ChaosStore(store, { random, failing: 0 })) : store
}

/** The bus that a test asks for, as it carries hints on this ground. */
export function busOn(bus: Bus = new LocalBus()): Bus {
  return ground?.hints ? keep(new ChaosBus(bus, { random, ...ground.hints })) : bus
}

/** How long rooms are kept that nobody holds, where a test does not care. */
export function ttlOn(milliseconds: number): number {
  return ground?.hints ? SHORT_TTL_MS : milliseconds
}

/** Settles once nothing is late any more, nor what that brought about. */
export async function settled(): Promise<void> {
  if (!ground) return
  for (let calm = 0; calm < CALM_TURNS; calm += 1) {
    if (chaos.some(({ isLate }) => isLate)) calm = 0
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }
}

function keep<T extends ChaosStore | ChaosBus>(one: T): T {
  chaos.push(one)
  return one
}
