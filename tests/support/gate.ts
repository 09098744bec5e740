import { MemoryStore } from '../../rooms/stores/memory.ts'
import type { Room } from '../../rooms/types.ts'

/** A store whose look-ups wait, fail, or do as they are told. */
export class GatedStore extends MemoryStore {
  /** What a look-up waits for. */
  gate: Promise<unknown> = Promise.resolve()
  /** Look-ups that were begun. */
  asked = 0

  constructor() {
    super({ history: 500, bytes: 1024 * 1024, rooms: 100 })
  }

  /** From now on look-ups wait until the answer is called. */
  shut(): () => void {
    let open = () => {}
    this.gate = new Promise<void>((resolve) => {
      open = resolve
    })
    return open
  }

  override async find(code: string): Promise<Room | undefined> {
    this.asked += 1
    await this.gate
    return super.find(code)
  }
}
