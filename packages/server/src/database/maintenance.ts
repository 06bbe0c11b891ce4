import type { ServerClock } from "../server-clock.js";

/** What the server does for itself, not for a request. */
export type MaintenanceTask = "file" | "watch" | "pin" | "checkpoint" | "revisions";

const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 60_000;

interface Failure {
  readonly error: unknown;
  readonly backOffMs: number;
  readonly retryAt: number;
}

/**
 * Runs housekeeping that nobody waits for: a full disk or a lack of descriptors must neither end the process nor fail
 * the request that happened to be there. A task that failed is left alone for a while, longer each time.
 */
export class Maintenance {
  readonly #clock: ServerClock;
  /** The latest last. */
  readonly #failures = new Map<MaintenanceTask, Failure>();

  constructor(clock: ServerClock) {
    this.#clock = clock;
  }

  /** The latest failure of a task that has not succeeded since; undefined if all is well. */
  get error(): unknown {
    return [...this.#failures.values()].at(-1)?.error;
  }

  /** To be called where a task has succeeded elsewhere. */
  noteSuccess(task: MaintenanceTask): void {
    this.#failures.delete(task);
  }

  /** Runs a task, unless it failed a moment ago. Never throws. */
  run(task: MaintenanceTask, work: () => void): void {
    if (!this.#isPutOff(task)) this.runAnyway(task, work);
  }

  /** Runs a task where there is no later. Never throws. */
  runAnyway(task: MaintenanceTask, work: () => void): void {
    try {
      work();
      this.noteSuccess(task);
    } catch (error) {
      this.#noteFailure(task, error);
    }
  }

  /** The same for a task that may go on for a while: then it gives a promise, which never rejects. */
  runAsync(task: MaintenanceTask, work: () => unknown): void | Promise<void> {
    if (this.#isPutOff(task)) return;
    try {
      const result = work();
      if (result instanceof Promise) {
        return result.then(
          () => this.noteSuccess(task),
          (error: unknown) => this.#noteFailure(task, error),
        );
      }
      this.noteSuccess(task);
    } catch (error) {
      this.#noteFailure(task, error);
    }
  }

  #isPutOff(task: MaintenanceTask): boolean {
    const last = this.#failures.get(task);
    return last !== undefined && this.#clock.now() < last.retryAt;
  }

  #noteFailure(task: MaintenanceTask, error: unknown): void {
    const last = this.#failures.get(task);
    const backOffMs = Math.min(
      last === undefined ? FIRST_BACK_OFF_MS : last.backOffMs * 2,
      LONGEST_BACK_OFF_MS,
    );
    this.#failures.delete(task);
    this.#failures.set(task, { error, backOffMs, retryAt: this.#clock.now() + backOffMs });
  }
}
