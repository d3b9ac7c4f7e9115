/** What runs alone. `start` resolves when the next may begin, which is before its answer is on disk. */
export interface LaneJob {
  start(): Promise<void>
}

/** Commands of one object, one after the other, in the order of their arrival (§9). */
export class Lane {
  readonly #waiting: LaneJob[] = []
  #running: LaneJob | undefined
  #idle: Array<() => void> = []

  get waiting(): number {
    return this.#waiting.length
  }

  get busy(): boolean {
    return this.#running !== undefined
  }

  push(job: LaneJob): void {
    if (this.#running === undefined) this.#run(job)
    else this.#waiting.push(job)
  }

  /** Work where no command runs. Gives what it comes to. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => this.push({ start: () => work().then(resolve, reject) }))
  }

  async idle(): Promise<void> {
    if (this.#running !== undefined) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  #run(job: LaneJob): void {
    this.#running = job
    void job.start().then(() => {
      this.#running = undefined
      const next = this.#waiting.shift()
      if (next !== undefined) {
        this.#run(next)
        return
      }
      const idle = this.#idle
      this.#idle = []
      for (const resolve of idle) resolve()
    })
  }
}
