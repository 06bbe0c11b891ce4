import type { HttpClock } from "@tributary/protocol-http";

/** A clock that never waits: sleeps are over at once, noted, and move the time on; timers run out never. */
export class TestClock implements HttpClock {
  readonly sleeps: number[] = [];
  /** Called in place of a sleep. */
  onSleep: (signal: AbortSignal | undefined) => void | Promise<void> = () => {};
  #now = 0;

  now(): number {
    return this.#now;
  }

  async sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    this.sleeps.push(milliseconds);
    this.#now += milliseconds;
    await this.onSleep(signal);
    signal?.throwIfAborted();
  }

  startTimer(): () => void {
    return () => {};
  }

  random(): number {
    return 0.5;
  }
}
