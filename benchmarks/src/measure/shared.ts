/** What has to be ended. */
export interface Ending {
  end(): Promise<void>;
}

/** What the runs of a question have in common because it takes long to make, such as a server with a large database. */
export class Shared {
  readonly #things = new Map<string, Promise<Ending>>();

  /** What was made under that name, or is made now. One name always means the same kind of thing. */
  use<T extends Ending>(name: string, make: () => Promise<T>): Promise<T> {
    const made = this.#things.get(name) ?? make();
    this.#things.set(name, made);
    return made as Promise<T>;
  }

  async end(): Promise<void> {
    for (const made of this.#things.values()) {
      // One that could not be made has failed its case already.
      const thing = await made.catch(() => undefined);
      await thing?.end();
    }
    this.#things.clear();
  }
}
