import type { KillRun } from "./kill-run.js";
import { ReplicaProcess } from "./replica-process.js";

/** How many processes import their packages while another one works: that is what a round spends most time on. */
const AHEAD = 2;

/** Replica processes that have been started before they are needed. */
export class Standby {
  readonly #waiting: ReplicaProcess[] = [];
  readonly #run: KillRun;
  #left: number;

  /** `count`: how many there will be in all. */
  constructor(run: KillRun, count: number) {
    this.#run = run;
    this.#left = count;
    this.#fill();
  }

  take(): ReplicaProcess {
    const next = this.#waiting.shift();
    if (next === undefined) throw new Error("No more replica processes were asked for.");
    this.#fill();
    return next;
  }

  #fill(): void {
    for (; this.#left > 0 && this.#waiting.length < AHEAD; this.#left--) {
      this.#waiting.push(ReplicaProcess.start(this.#run));
    }
  }
}
