/** Something to do, one after the other. Must not fail. */
export type Work = () => Promise<void> | void;

/** Does work one after the other, in the order in which it came. */
export class Lane {
  readonly #works: Work[] = [];
  readonly #gate: () => Promise<void> | undefined;
  #isBusy: boolean;

  /** `gate`: waited for before each piece of work. Where `isHeld`, nothing is done until `release` is called. */
  constructor(gate: () => Promise<void> | undefined, isHeld: boolean) {
    this.#gate = gate;
    this.#isBusy = isHeld;
  }

  push(work: Work): void {
    this.#works.push(work);
    if (!this.#isBusy) void this.#run();
  }

  /** Lets work that was held begin. */
  release(): void {
    void this.#run();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    for (let work = this.#works.shift(); work !== undefined; work = this.#works.shift()) {
      const wait = this.#gate();
      if (wait !== undefined) await wait;
      await work();
    }
    this.#isBusy = false;
  }
}
