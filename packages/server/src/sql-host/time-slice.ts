/** Others are let on after running this long, ms. */
const TIME_SLICE_MS = 10;

/** Lets the event loop on now and then while one request does many small things. */
export class TimeSlice {
  readonly #onTurn: () => void;
  #end = performance.now() + TIME_SLICE_MS;

  /** `onTurn` is called before others are let on. */
  constructor(onTurn: () => void) {
    this.#onTurn = onTurn;
  }

  /** To be called once per step, and waited for where it gives a promise. */
  giveWay(): Promise<void> | undefined {
    if (performance.now() < this.#end) return undefined;
    this.#onTurn();
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#end = performance.now() + TIME_SLICE_MS;
        resolve();
      });
    });
  }
}
