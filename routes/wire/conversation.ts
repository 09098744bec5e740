import { type Bucket, fill, take } from '../../rooms/bucket.ts'
import type { Connection, Farewell, Format } from '../../rooms/fanout.ts'
import { StoreFailure } from '../../rooms/stores/prompt.ts'
import { type Member, refuse } from '../../rooms/types.ts'
import { farewellFrame, refusalFrame } from '../../templates/frames.ts'
import type { Place } from '../../templates/page.ts'
import { post } from '../guard/limits.ts'
import { type SiteRefusal, wordsOf } from '../guard/refusals.ts'
import type { Site } from '../guard/site.ts'
import { type Asked, readAsked } from './asked.ts'
import { FAREWELLS } from './farewells.ts'

/** Bytes that may wait for a reader before it is cut off. */
export const UNSENT_BYTES = 1024 * 1024
/** Milliseconds after which an end that says nothing, or takes nothing of what waits, is gone. */
export const SILENCE_MS = 60_000
/** Bytes of one message from a client, at the most. */
export const FRAME_BYTES = 16 * 1024

/** Where open connections are kept. */
export interface Registry {
  forget(connection: Conversation): void
}

export interface ConversationOptions {
  readonly registry: Registry
  readonly site: Site
  /** Where the chat is mounted, as its page sees it. */
  readonly place: Place
  /** Whose limits its posts count for. */
  readonly address: string
  readonly code: string
  readonly member: Member
}

/** What a member and a room say to each other over one open socket, whatever carries it: a few fields, and no function of its own. */
export abstract class Conversation implements Connection {
  abstract readonly format: Format
  readonly member: Member
  readonly code: string
  seen = 0
  heard: number
  hasStarted = false
  protected readonly site: Site
  #registry: Registry
  #place: Place
  #address: string
  /** Settles once the store has said whether its member is still one. */
  #entering: Promise<void> | undefined
  #frames: Bucket

  constructor({ registry, site, place, address, code, member }: ConversationOptions) {
    this.#registry = registry
    this.site = site
    this.#place = place
    this.#address = address
    this.heard = site.clock.elapsed()
    this.#frames = fill(site.limits.frames, this.heard)
    this.code = code
    this.member = member
  }

  abstract get isClosed(): boolean
  /** Whether bytes wait to be taken. */
  abstract get hasUnsent(): boolean
  /** Bytes that its reader has not taken. */
  abstract get unsentBytes(): number
  abstract write(bytes: Uint8Array, cursor?: string): void
  abstract drained(): Promise<void> | undefined
  abstract cut(): void
  /** Whether the other end is gone. */
  abstract isDead(now: number): boolean
  /** Gives the other end a sign of life. */
  abstract beat(): void
  /** Sends a text that is for this connection alone. */
  protected abstract tell(text: string): void
  /** Ends with a code (RFC 6455, 7.4) once what was written is taken. */
  protected abstract end(code: number, reason?: string): void

  /** Ends because of what the other end sends. */
  protected stopTaking(code: number, reason?: string): void {
    this.end(code, reason)
  }

  close(farewell: Farewell): void {
    if (this.isClosed) return
    const { code, words } = FAREWELLS[farewell]
    if (words) this.tell(farewellFrame(words, this.#place))
    this.end(code)
  }

  /** Something came from the other end, so it is there. Closes a connection that sends too much, of whatever kind. */
  hear(): void {
    this.heard = this.site.clock.elapsed()
    if (take(this.#frames, this.site.limits.frames, this.heard) === 0 || this.isClosed) return
    this.#refuse(refuse('too-fast'))
    this.stopTaking(1008, 'flooding')
  }

  /** Takes what a client sent: where to begin, or something to say. Text is read where it is one. */
  async take(data: unknown, isBinary: boolean): Promise<void> {
    this.hear()
    if (this.isClosed) return
    if (isBinary) return this.stopTaking(1003)
    const asked = readAsked(String(data))
    if (!asked) return this.#refuse(refuse('malformed'))
    try {
      await this.#do(asked)
    } catch (error) {
      this.site.ledger.failed(error)
      this.close('busy')
    }
  }

  /** Comes in, and leaves again at once where its member is gone meanwhile. */
  enter(): Promise<void> {
    this.#entering = this.#comeIn()
    return this.#entering
  }

  async #comeIn(): Promise<void> {
    try {
      await this.site.rooms.enter(this.code, this)
    } catch (error) {
      this.site.ledger.failed(error)
      this.close('busy')
    }
    this.#entering = undefined
  }

  ended(): void {
    this.#registry.forget(this)
    this.site.rooms.disconnect(this.code, this)
  }

  async #do({ since, text, key = '' }: Asked): Promise<void> {
    // What follows a place on its way must not be said before that place is read from.
    if (this.#entering) await this.#entering
    if (since !== undefined && !this.hasStarted) {
      this.hasStarted = true
      await this.site.rooms.connect(this.code, this, since)
    }
    if (text !== undefined) await this.#post(text, key)
  }

  async #post(text: string, key: string): Promise<void> {
    try {
      const posted = await post(this.site, this.#address, this.code, this.member, { text, key })
      if (!posted.ok) this.#refuse(posted)
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error
      this.#refuse({ ...refuse('unavailable'), id: this.site.ledger.failed(error) })
    }
  }

  #refuse(refusal: SiteRefusal): void {
    this.site.ledger.refused(refusal.refusal)
    this.tell(refusalFrame(wordsOf(refusal)))
  }
}
