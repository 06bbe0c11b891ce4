import type { SyncError } from "@tributary/core";
import { Backoff, type LiveClock, type LiveTimer } from "@tributary/live";
import { Alarm } from "./alarm.js";
import { asSyncError, type FailureKind, failureKind, retryAfterOf } from "./failure-kind.js";

/** What the driver drives. */
interface LiveWork {
  /** Whether there are local changes that the remote is not known to have. */
  hasPending(): boolean;
  push(): Promise<unknown>;
  /**
   * Resolves with whether something came. How long it may wait for a commit, in milliseconds, is asked for when the
   * waiting begins.
   */
  pull(waitMs: () => number): Promise<boolean>;
  /** Ends the waiting of a pull. */
  wake(): void;
}

/** How it stands, as far as the driver knows. */
export type LiveState =
  | { readonly state: "connecting" }
  /** `refusal`: why the local changes cannot be pushed. */
  | { readonly state: "live"; readonly refusal: SyncError | undefined }
  | { readonly state: "paused" | "offline"; readonly error: SyncError };

/** Options of {@link LiveDriver}. */
export interface LiveDriverOptions {
  readonly work: LiveWork;
  readonly clock: LiveClock;
  /** How long one pull waits for a commit, in milliseconds. */
  readonly waitMs: number;
  /** Told after each round how it stands; it may stand as before. */
  readonly onState: (state: LiveState) => void;
}

/** Waits after failures, ms: from the first to the longest. */
const WAITS: Readonly<Record<FailureKind, { readonly minMs: number; readonly maxMs: number }>> = {
  busy: { minMs: 50, maxMs: 1_000 },
  paused: { minMs: 1_000, maxMs: 5_000 },
  network: { minMs: 200, maxMs: 30_000 },
  final: { minMs: 5_000, maxMs: 60_000 },
};

/** A pull that was to wait, and ends that soon with nothing, did not wait: the remote does not do that. ms. */
const SHORTEST_WAIT_MS = 500;
/** How often such a remote is asked, ms. */
const POLL_MS = 2_000;

/**
 * While local commits follow on one another, they are pushed for so long before what comes of them is pulled, ms: a pull
 * takes longer than a push, and others wait for the commits.
 */
const PUSHES_FIRST_MS = 100;

/** A push that was refused, while pulls go on. Times are those of the clock. */
interface Refusal {
  readonly error: SyncError;
  /** When it is tried again by itself. */
  readonly retryAt: number;
  /** When it is tried again because something has been committed, or has come, since. */
  readonly soonestAt: number;
}

/**
 * Keeps a replica in step: pushes what is pending, pulls, waiting at the remote for a commit, and so on. A local commit
 * ends the waiting. Of two pulls in a row only one can be cut short so: under continuous local writes, some pushes and a
 * whole pull take turns. After each failure it waits, longer each time, and tries again; none ends it.
 */
export class LiveDriver {
  readonly #options: LiveDriverOptions;
  readonly #backoffs: Readonly<Record<FailureKind, Backoff>>;
  readonly #refusals: Backoff;
  readonly #alarm: Alarm;
  #running: Promise<void> = Promise.resolve();
  #isStopped = true;
  /** The last pull has reached the remote. */
  #isLive = false;
  /** The pull that runs, or is about to, is not to wait. */
  #isWoken = false;
  #lastWasCut = false;
  /** There may be something to push that there was not when the last push began. */
  #hasNews = false;
  #refusal: Refusal | undefined;
  /** When the first push since the last whole pull was begun, by the clock. */
  #pushedSince: number | undefined;
  /** While a pull runs: when the refused push is tried again. */
  #pushTimer: LiveTimer | undefined;

  constructor(options: LiveDriverOptions) {
    const { clock } = options;
    const backoff = (kind: FailureKind): Backoff => new Backoff({ clock, ...WAITS[kind] });
    this.#options = options;
    this.#backoffs = {
      busy: backoff("busy"),
      paused: backoff("paused"),
      network: backoff("network"),
      final: backoff("final"),
    };
    this.#refusals = backoff("final");
    this.#alarm = new Alarm(clock);
  }

  start(): void {
    this.#isStopped = false;
    this.#hasNews = true;
    this.#isLive = false;
    this.#options.onState({ state: "connecting" });
    this.#running = this.#run();
  }

  /** Something was committed locally. Nothing runs before the caller's turn of the event loop has come to its end. */
  afterCommit(): void {
    this.#hasNews = true;
    if (this.#refusal === undefined) this.yieldTurn();
    else if (this.#pushTimer !== undefined) this.#setPushTimer();
    this.#alarm.advance();
  }

  /** An operation of the app has reached the remote: no reason to wait any longer. */
  tryNow(): void {
    this.#hasNews = true;
    this.#alarm.ring();
  }

  /** Makes way for an operation of the app, which would have to wait for the end of a pull. */
  yieldTurn(): void {
    this.#isWoken = true;
    this.#options.work.wake();
  }

  /** Begins nothing any more, and resolves when what runs has ended; the caller sees to that. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#alarm.ring();
    await this.#running;
  }

  async #run(): Promise<void> {
    // `start` was called by somebody who is not done yet.
    await Promise.resolve();
    while (!this.#isStopped) {
      try {
        await this.#push();
        if (!this.#isStopped && !this.#pushesFirst) await this.#pull();
      } catch (error) {
        if (!this.#isStopped) await this.#waitAfter(asSyncError(error));
      }
    }
  }

  /** Pushes if there is something to push, and it may be tried. */
  async #push(): Promise<void> {
    const { work, clock } = this.#options;
    if (clock.now() < this.#pushAt()) return;
    this.#hasNews = false;
    if (work.hasPending()) {
      this.#pushedSince ??= clock.now();
      try {
        await work.push();
      } catch (thrown) {
        const error = asSyncError(thrown);
        if (failureKind(error) !== "final") throw error;
        // What others change can still come, and may be what the changes need to be taken.
        const wait = this.#refusals.next();
        const now = clock.now();
        this.#refusal = { error, retryAt: now + wait, soonestAt: now + soonestOf(wait) };
        this.#tellLive();
        return;
      }
    }
    this.#refusals.reset();
    if (this.#refusal === undefined) return;
    this.#refusal = undefined;
    this.#tellLive();
  }

  /** Something was committed while the last push ran. */
  get #pushesFirst(): boolean {
    const { clock } = this.#options;
    const isDue = this.#pushedSince === undefined || clock.now() - this.#pushedSince >= PUSHES_FIRST_MS;
    return this.#isLive && this.#hasNews && this.#refusal === undefined && !isDue;
  }

  async #pull(): Promise<void> {
    const { work, clock, waitMs } = this.#options;
    const isPatient = this.#isLive && !this.#lastWasCut;
    this.#isWoken = false;
    const begun = clock.now();
    let waits = 0;
    let brought: boolean;
    if (this.#refusal !== undefined) this.#setPushTimer();
    try {
      brought = await work.pull(() => {
        waits = isPatient && !this.#isWoken && clock.now() < this.#pushAt() ? waitMs : 0;
        return waits;
      });
    } finally {
      this.#pushTimer?.cancel();
      this.#pushTimer = undefined;
    }
    this.#lastWasCut = this.#isWoken && waits > 0 && !brought;
    if (!this.#lastWasCut) this.#pushedSince = undefined;
    // It may be what a refused change has waited for, and there may be changes that have a place again.
    if (brought) this.#hasNews = true;
    this.#isLive = true;
    for (const backoff of Object.values(this.#backoffs)) backoff.reset();
    this.#tellLive();
    const didNotWait = waits > 0 && !brought && !this.#isWoken && clock.now() - begun < SHORTEST_WAIT_MS;
    if (didNotWait && !this.#isStopped) await this.#alarm.sleep(POLL_MS, 0);
  }

  /** What becomes of a push is told at once: the pull after it may wait for long. */
  #tellLive(): void {
    if (this.#isLive) this.#options.onState({ state: "live", refusal: this.#refusal?.error });
  }

  async #waitAfter(error: SyncError): Promise<void> {
    const kind = failureKind(error);
    // On top of what it asks for, so that not all of those whom it has turned away come back at the same moment.
    const soonest = retryAfterOf(error);
    const wait = this.#backoffs[kind].next();
    this.#hasNews = true;
    if (kind !== "busy") {
      this.#isLive = false;
      this.#options.onState({ state: kind === "paused" ? "paused" : "offline", error });
    }
    await this.#alarm.sleep(soonest + wait, soonest + soonestOf(wait));
  }

  /** When a push may be begun, by the clock. */
  #pushAt(): number {
    if (this.#refusal !== undefined) return this.#hasNews ? this.#refusal.soonestAt : this.#refusal.retryAt;
    return this.#hasNews ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  #setPushTimer(): void {
    this.#pushTimer?.cancel();
    const { clock } = this.#options;
    this.#pushTimer = clock.startTimer(Math.max(0, this.#pushAt() - clock.now()), () => this.yieldTurn());
  }
}

/** A local commit is reason to try sooner: after a tenth of the wait, but neither at once nor after more than 5 s. */
function soonestOf(waitMs: number): number {
  return Math.min(Math.max(waitMs / 10, 50), 5_000);
}
