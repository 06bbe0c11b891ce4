import type { LiveTimer } from "../live-clock.js";
import { Cancellation } from "./cancellation.js";
import { type LivePull, LiveRefusal, type ReplicaEndpoint } from "./live-host.js";
import type { ClientMessage, SubscriptionOwner } from "./subscription.js";

const PAGE_BYTES = 4096;

type PageBatch = NonNullable<ReturnType<LivePull["next"]>>;

/** One pull of a client: waits for its answer, and sends the pages of it while there is credit and room for them. */
export class LiveDownload {
  readonly #request: ClientMessage<"pull">;
  readonly #owner: SubscriptionOwner;
  readonly #onEnd: () => void;
  readonly #cancellation = new Cancellation();
  #credit: number;
  #pull: LivePull | undefined;
  /** Read, and not sent for want of credit. */
  #rest: PageBatch | undefined;
  #isInLine = false;
  #isOver = false;
  #creditTimer: LiveTimer | undefined;

  /** `onEnd` is called once, when nothing of it is under way any more. */
  constructor(request: ClientMessage<"pull">, owner: SubscriptionOwner, onEnd: () => void) {
    this.#request = request;
    this.#owner = owner;
    this.#onEnd = onEnd;
    this.#credit = request.credit;
  }

  /** Whether its answer has begun. */
  get isAnswered(): boolean {
    return this.#pull !== undefined;
  }

  /** To be called once. */
  start(endpoint: ReplicaEndpoint): void {
    if (this.#isOver) this.#onEnd();
    else void this.#start(endpoint);
  }

  addCredit(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, Number.MAX_SAFE_INTEGER);
    this.#goOn();
  }

  /** Ends it without a word, or with that. */
  end(refusal?: LiveRefusal): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#creditTimer?.cancel();
    this.#rest = undefined;
    this.#cancellation.abort();
    if (refusal !== undefined) this.#owner.fail(this.#request.sub, this.#request.pull, refusal);
    if (this.#pull === undefined) return;
    this.#pull.close();
    this.#onEnd();
  }

  async #start(endpoint: ReplicaEndpoint): Promise<void> {
    const { sub, pull, clientRevision, serverRevision, pages, waitMs } = this.#request;
    let answer: LivePull;
    try {
      answer = await endpoint.pull({
        clientRevision,
        serverRevision,
        pages,
        waitMs,
        signal: this.#cancellation,
      });
    } catch (error) {
      if (!this.#isOver) this.#owner.fail(sub, pull, error);
      this.#isOver = true;
      this.#onEnd();
      return;
    }
    if (this.#isOver) {
      answer.close();
      this.#onEnd();
      return;
    }
    this.#pull = answer;
    const { revision, databaseSize } = answer;
    this.#owner.outbox.send({ type: "header", sub, pull, revision, databaseSize });
    this.#goOn();
  }

  #goOn(): void {
    if (this.#isInLine || this.#isOver || this.#pull === undefined) return;
    this.#isInLine = true;
    this.#owner.outbox.whenRoom(() => {
      this.#isInLine = false;
      if (!this.#isOver) this.#sendSome(this.#pull as LivePull);
    });
  }

  #sendSome(answer: LivePull): void {
    const { outbox, limits, clock } = this.#owner;
    const { sub, pull } = this.#request;
    let batch: PageBatch | undefined;
    try {
      batch = this.#rest ?? answer.next();
    } catch (error) {
      this.#owner.fail(sub, pull, error);
      this.end();
      return;
    }
    if (batch === undefined) {
      outbox.send({ type: "end", sub, pull });
      this.end();
      return;
    }
    const count = Math.min(batch.pageIds.length, Math.floor(this.#credit / PAGE_BYTES));
    this.#rest = batch;
    if (count === 0) {
      if (limits.stallTimeoutMs === 0 || this.#creditTimer !== undefined) return;
      // As long as it is waited for, its revision is held.
      const message = `no credit came for ${limits.stallTimeoutMs} ms`;
      const stalled = new LiveRefusal(408, "download-stalled", message);
      this.#creditTimer = clock.startTimer(limits.stallTimeoutMs, () => this.end(stalled));
      return;
    }
    this.#creditTimer?.cancel();
    this.#creditTimer = undefined;
    this.#credit -= count * PAGE_BYTES;
    this.#rest = restOf(batch, count);
    const pageIds = batch.pageIds.subarray(0, count);
    const bytes = batch.bytes.subarray(0, count * PAGE_BYTES);
    outbox.send({ type: "pages", sub, pull, pageIds, bytes });
    this.#goOn();
  }
}

function restOf({ pageIds, bytes }: PageBatch, sent: number): PageBatch | undefined {
  if (sent === pageIds.length) return undefined;
  return { pageIds: pageIds.subarray(sent), bytes: bytes.subarray(sent * PAGE_BYTES) };
}
