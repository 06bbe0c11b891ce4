import type { HttpClock } from "@tributary/protocol-http";

/** A clock that never waits: sleeps are over at once and noted, timers run out at once or never. */
export class TestClock implements HttpClock {
  readonly sleeps: number[] = [];
  /** Which timers run out. */
  expires: (milliseconds: number) => boolean = () => false;
  /** Called in place of a sleep. */
  onSleep: () => void = () => {};

  now(): number {
    return Date.UTC(2026, 0, 1);
  }

  async sleep(milliseconds: number): Promise<void> {
    this.sleeps.push(milliseconds);
    this.onSleep();
  }

  startTimer(milliseconds: number, callback: () => void): () => void {
    const timer = this.expires(milliseconds) ? setImmediate(callback) : undefined;
    return () => clearImmediate(timer);
  }

  random(): number {
    return 0;
  }
}
