import {
  type PageBatch,
  type PullHandle,
  type PullHeader,
  type PullRequest,
  SyncError,
} from "@tributary/core";
import { createDeferred, type Deferred } from "./deferred.js";
import type { LivePull } from "./live-pull.js";
import type { LiveSettings } from "./live-settings.js";
import type { ReplicaSubscription } from "./replica-subscription.js";
import { tookTooLong, within } from "./within.js";

/** How long the server may hold a pull that is asked for ahead, ms; it may answer sooner. */
const AHEAD_MS = 300_000;

/** What {@link ReplicaPulls} needs. */
export interface ReplicaPullsOptions {
  readonly settings: LiveSettings;
  /** The open subscription, or a new one. Rejects with `SyncError`. */
  open(signal: AbortSignal | undefined): Promise<ReplicaSubscription>;
}

/** A pull that the server was asked for. */
interface AskedPull {
  readonly pull: LivePull;
  readonly subscription: ReplicaSubscription;
  /** `#batchEvents` when it was asked for. */
  readonly batchEvents: number;
}

/** What `startPull` gives. */
interface StartedPull {
  readonly pull: PullHandle;
  readonly header: PullHeader;
}

/**
 * The pulls of one database. After one that was allowed to wait, and has ended well, the next one is asked for ahead: the
 * server answers it on commit. A pull that may wait takes that one over; one that may not is always asked for anew, so
 * that it has every commit that was acknowledged before it began.
 */
export class ReplicaPulls {
  readonly #options: ReplicaPullsOptions;
  readonly #settings: LiveSettings;
  /** Those that were started and not ended; `undefined` for one that was woken, and so brings nothing. */
  readonly #open = new Map<PullHandle, AskedPull | undefined>();
  /** Waits for a commit, or was answered by one, and nobody has started it yet. */
  #ahead: AskedPull | undefined;
  /**
   * Counts batches that were begun and batches that were answered. The pages of a pull that was asked for before either
   * may lack what the batch has committed, and the tape would then send that a second time.
   */
  #batchEvents = 0;
  /** Those that wait for a commit. */
  readonly #waiting = new Set<Deferred<void>>();
  #lastHeader: PullHeader | undefined;

  constructor(options: ReplicaPullsOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  /** A batch was begun, or answered. The pull ahead is of no use then; the server need not answer it with what is pushed. */
  noteBatch(): void {
    this.#batchEvents += 1;
    this.#ahead?.pull.cancel();
    this.#ahead = undefined;
  }

  /** The subscription is not open any more. */
  forgetAhead(): void {
    this.#ahead = undefined;
  }

  wake(): void {
    for (const waiting of this.#waiting) waiting.resolve();
  }

  async start(request: PullRequest, signal: AbortSignal | undefined): Promise<StartedPull> {
    const waking = createDeferred<void>();
    if (mayWait(request)) this.#waiting.add(waking);
    try {
      const asked = await this.#answered(request, waking.promise, signal);
      const header = asked === undefined ? this.#emptyHeader(request) : (asked.pull.header as PullHeader);
      this.#lastHeader = header;
      const pull = nextHandle();
      this.#open.set(pull, asked);
      return { pull, header };
    } finally {
      this.#waiting.delete(waking);
    }
  }

  async receive(handle: PullHandle, signal: AbortSignal | undefined): Promise<PageBatch | undefined> {
    if (!this.#open.has(handle)) throw new SyncError("invalid-state", "The pull has ended.");
    const pull = this.#open.get(handle)?.pull;
    if (pull === undefined) return undefined;
    for (;;) {
      const { change } = pull;
      const pages = pull.take();
      if (pages !== undefined || pull.isComplete) return pages;
      await within(change, { ...this.#settings, signal });
    }
  }

  end(handle: PullHandle): void {
    const asked = this.#open.get(handle);
    this.#open.delete(handle);
    if (asked === undefined) return;
    const { pull, subscription } = asked;
    if (!pull.isComplete) {
      pull.cancel();
      return;
    }
    if (!mayWait(pull.request) || !subscription.isOpen) return;
    this.#ahead?.pull.cancel();
    const clientRevision = (pull.header as PullHeader).revision;
    this.#ahead = this.#ask(subscription, { clientRevision, longPollTimeoutMs: AHEAD_MS });
  }

  /** A pull whose header has come; `undefined` when its waiting was ended. */
  async #answered(
    request: PullRequest,
    waking: Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<AskedPull | undefined> {
    const { clock, timeoutMs, endpoint } = this.#settings;
    const deadline = clock.now() + request.longPollTimeoutMs;
    const opening = this.#options.open(signal);
    const woken = waking.then(() => undefined);
    const subscription = await (mayWait(request) ? Promise.race([opening, woken]) : opening);
    if (subscription === undefined) return undefined;
    const ahead = this.#takeAhead(request);
    if (ahead !== undefined) {
      const outcome = await this.#untilAnswered(ahead, deadline, waking, signal);
      if (outcome === "woken") return undefined;
      const { header } = ahead.pull;
      if (header !== undefined && header.revision !== request.clientRevision) return ahead;
      // That there was nothing before this pull was asked for does not say that there is nothing now.
      ahead.pull.cancel();
    }
    const longPollTimeoutMs = Math.max(deadline - clock.now(), 0);
    return await subscription.connection.withFreshToken(async () => {
      const asked = this.#ask(subscription, { ...request, longPollTimeoutMs });
      const until = clock.now() + longPollTimeoutMs + timeoutMs;
      const outcome = await this.#untilAnswered(asked, until, waking, signal);
      if (outcome === "woken") return undefined;
      if (asked.pull.error !== undefined) throw asked.pull.error;
      if (outcome === "answered") return asked;
      asked.pull.cancel();
      throw tookTooLong(endpoint);
    });
  }

  /** Waits for the header of a pull. One whose waiting is ended from here stays as the one ahead. */
  async #untilAnswered(
    asked: AskedPull,
    until: number,
    waking: Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<"answered" | "timeout" | "woken"> {
    const { clock, endpoint } = this.#settings;
    const { pull } = asked;
    const isAnswered = (): boolean => pull.header !== undefined || pull.error !== undefined;
    if (isAnswered()) return "answered";
    const waits = mayWait(pull.request);
    const step = waits ? Promise.race([pull.change, waking]) : pull.change;
    try {
      await within(step, { clock, endpoint, timeoutMs: Math.max(until - clock.now(), 0), signal });
      if (isAnswered()) return "answered";
      this.#ahead = asked;
      return "woken";
    } catch (error) {
      if (isAnswered()) return "answered";
      if (error instanceof SyncError && error.code === "timeout") return "timeout";
      if (waits) this.#ahead = asked;
      else pull.cancel();
      throw error;
    }
  }

  /** The pull ahead, if it brings what is asked for; if not it is cancelled: only one is open at a time. */
  #takeAhead(request: PullRequest): AskedPull | undefined {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead === undefined) return undefined;
    const isIt =
      mayWait(request) &&
      ahead.pull.request.clientRevision === request.clientRevision &&
      ahead.batchEvents === this.#batchEvents &&
      ahead.pull.error === undefined;
    if (isIt) return ahead;
    ahead.pull.cancel();
    return undefined;
  }

  #ask(subscription: ReplicaSubscription, request: PullRequest): AskedPull {
    return { pull: subscription.pull(request), subscription, batchEvents: this.#batchEvents };
  }

  /** As of a pull whose time is over without a commit. */
  #emptyHeader({ clientRevision = "" }: PullRequest): PullHeader {
    if (this.#lastHeader?.revision === clientRevision) return this.#lastHeader;
    // Who is at that revision knows the size of it; without pages nobody looks at this one.
    return { revision: clientRevision, databaseSize: 0, endpoint: this.#settings.endpoint };
  }
}

/** Whether a pull may wait for a commit. */
function mayWait({ clientRevision, serverRevision, pages, longPollTimeoutMs }: PullRequest): boolean {
  return (
    longPollTimeoutMs > 0 &&
    clientRevision !== undefined &&
    serverRevision === undefined &&
    pages === undefined
  );
}

let lastHandle = 0;

function nextHandle(): PullHandle {
  return ++lastHandle as PullHandle;
}
