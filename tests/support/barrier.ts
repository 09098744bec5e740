/** Where calls pass by, until a test holds one of them. */
export class Barrier {
  #held: Promise<void> | undefined

  /** The next call waits until the answer is called. */
  holdOne(): () => void {
    let answer = () => {}
    this.#held = new Promise<void>((resolve) => {
      answer = resolve
    })
    return answer
  }

  /** Settles once a call may go on: at once, but for the one that is held. */
  async pass(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    await held
  }
}
