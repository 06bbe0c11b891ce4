import { SyncError, type SyncErrorCode } from "@tributary/core";
import type { LiveClock, LiveTimer } from "@tributary/live";
import { LiveDriver, type LiveState } from "../../../src/live/live-driver.js";

/** Time that moves when a test says so. */
export class StageClock implements LiveClock {
  #now = 0;
  readonly #timers: Set<{ readonly at: number; readonly callback: () => void }> = new Set();

  now(): number {
    return this.#now;
  }

  startTimer(milliseconds: number, callback: () => void): LiveTimer {
    const timer = { at: this.#now + milliseconds, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Waits are never shortened. */
  random(): number {
    return 1;
  }

  /** Lets time pass, timer by timer. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = [...this.#timers]
        .filter(({ at }) => at <= end)
        .sort((left, right) => left.at - right.at);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.callback();
      await settled();
    }
    this.#now = end;
    await settled();
  }
}

/** Lets everything run that waits for nothing but the event loop. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

type LiveWork = ConstructorParameters<typeof LiveDriver>[0]["work"];
type Outcome = boolean | SyncErrorCode;

/** A driver whose pushes and pulls are the test's. */
export class DriverStage implements LiveWork {
  readonly clock = new StageClock();
  readonly states: LiveState[] = [];
  /** What was called: `push`, `pull 0`, `pull 30000`. */
  readonly calls: string[] = [];
  pending = false;
  /** What pushes fail with. */
  pushError: SyncErrorCode | undefined;
  /** What pulls that do not wait come to. */
  pullOutcome: Outcome = false;
  /** Whether the remote holds pulls that wait. */
  holds = true;
  /** Called at the beginning of each push: how long that takes, ms. */
  onPush: () => number = () => 0;
  readonly driver: LiveDriver;
  #waiting: { end(outcome: Outcome): void } | undefined;

  constructor() {
    const { clock } = this;
    this.driver = new LiveDriver({
      work: this,
      clock,
      waitMs: 30_000,
      onState: (state) => void this.states.push(state),
    });
  }

  get state(): string | undefined {
    return this.states.at(-1)?.state;
  }

  /** The calls since the last look. */
  seen(): string[] {
    return this.calls.splice(0);
  }

  commit(): void {
    this.pending = true;
    this.driver.afterCommit();
  }

  hasPending(): boolean {
    return this.pending;
  }

  async push(): Promise<void> {
    this.calls.push("push");
    // What is committed from now on is not of this push.
    this.pending = this.pushError !== undefined;
    const takes = this.onPush();
    if (takes > 0) await new Promise<void>((resolve) => void this.clock.startTimer(takes, resolve));
    if (this.pushError !== undefined) throw new SyncError(this.pushError, "refused");
  }

  pull(waitMs: () => number): Promise<boolean> {
    const wait = waitMs();
    this.calls.push(`pull ${wait}`);
    if (wait === 0 || !this.holds) return this.#come(this.pullOutcome);
    return new Promise((resolve, reject) => {
      this.#waiting = {
        end: (outcome) => {
          this.#waiting = undefined;
          timer.cancel();
          this.#come(outcome).then(resolve, reject);
        },
      };
      const timer = this.clock.startTimer(wait, () => this.#waiting?.end(false));
    });
  }

  wake(): void {
    this.#waiting?.end(false);
  }

  /** Something happens to the pull that waits. */
  async answer(outcome: Outcome): Promise<void> {
    this.#waiting?.end(outcome);
    await settled();
  }

  /** Ends what waits, as a close does. */
  async stop(): Promise<void> {
    const stopped = this.driver.stop();
    this.#waiting?.end("aborted");
    await stopped;
  }

  async #come(outcome: Outcome): Promise<boolean> {
    if (typeof outcome === "string") throw new SyncError(outcome, "failed");
    return outcome;
  }
}

/** A stage whose driver is live and waits. */
export async function liveStage(): Promise<DriverStage> {
  const stage = new DriverStage();
  stage.driver.start();
  await settled();
  stage.seen();
  return stage;
}
