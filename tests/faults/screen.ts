import type { Person } from '../support/person.ts'
import type { Journal } from './journal.ts'
import type { Random } from './random.ts'
import type { WebProxy } from './web.ts'

/** A page that is live by scripts, in whichever browser: what a person gets to see in it is noted, and it says things too. */
export abstract class Screen {
  readonly journal: Journal
  readonly web: WebProxy
  /** Since when it could have noticed that nothing comes; undefined while it cannot. */
  awake: number | undefined = performance.now()
  protected readonly room: string
  protected readonly errors: string[] = []

  /** @param person whose page it is, as they know the server: through what stands before their browser */
  constructor({ room }: Pick<Person, 'room'>, web: WebProxy, journal: Journal) {
    this.room = room
    this.web = web
    this.journal = journal
  }

  /** Types a text and sends it, behind what came back to the field; what happens to it is the page's business. */
  abstract say(text: string): Promise<void>
  /** Reloads until there is a page with its script, as a person does. */
  abstract reload(): Promise<void>
  /** Its wall clock jumps, and after so long jumps back. */
  abstract skew(milliseconds: number, random: Random): Promise<void>
  /** Somebody reads what is older for so long, and comes back down. */
  abstract pageBack(milliseconds: number): Promise<void>
  /** Scrolls to the newest line. */
  abstract goDown(): Promise<void>

  /** Tells its journal how long nothing came. */
  hear(): void {
    if (this.awake !== undefined) this.journal.hear(performance.now() - Math.max(this.awake, this.web.heard))
  }

  /** What went wrong in it, beside what its journal tells. */
  get problems(): string[] {
    const { name, waiting } = this.journal
    const waits = waiting > 0 ? [`${name} has ${waiting} messages waiting`] : []
    return [...this.errors.map((error) => `${name}: ${error}`), ...waits]
  }

  /** Does something during which the page cannot notice anything. */
  protected async away(action: () => Promise<void>): Promise<void> {
    this.awake = undefined
    await action()
    this.awake = performance.now()
  }
}

/** Runs in the page: its clock is set apart from the machine's. */
export function setSkew(milliseconds: number): void {
  ;(window as unknown as { skew(milliseconds: number): void }).skew(milliseconds)
}

/** Runs in the page: somebody scrolls up as far as it goes, and asks for what is older. */
export function goUp(): void {
  const scroll = document.getElementById('scroll')
  scroll?.scrollTo(0, -scroll.scrollHeight)
  document.querySelector<HTMLElement>('.older a')?.click()
}

/** Runs in the page. */
export function goDown(): void {
  document.getElementById('scroll')?.scrollTo(0, 0)
}
