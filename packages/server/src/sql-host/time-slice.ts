/** Others are let on after running this long, ms. */
const TIME_SLICE_MS = 10;
/** The clock is looked at once in that many steps. */
const STEPS_PER_LOOK = 16;

/** Lets the event loop on now and then while one request does many small things. */
export class TimeSlice {
  #end = performance.now() + TIME_SLICE_MS;
  #steps = 0;

  /** To be called once per step, and waited for where it gives a promise. */
  giveWay(): Promise<void> | undefined {
    this.#steps += 1;
    if (this.#steps % STEPS_PER_LOOK !== 0 || performance.now() < this.#end) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#end = performance.now() + TIME_SLICE_MS;
        resolve();
      });
    });
  }
}
