import { LiveDownload } from "./live-download.js";
import { type LiveHost, LiveRefusal, type ReplicaEndpoint } from "./live-host.js";
import { LiveViolation } from "./live-violation.js";
import type { ClientMessage, Subscription, SubscriptionOwner } from "./subscription.js";

/** Pushes that are not answered yet, and how many longest messages their bodies may be together. */
const MAX_PUSHES = 64;
const MAX_PUSHED_MESSAGES = 4;

/** A database that a client has opened: its pulls, side by side, and its pushes, one after the other. */
export class ReplicaSubscription implements Subscription {
  readonly #number: number;
  readonly #owner: SubscriptionOwner;
  readonly #downloads = new Map<number, LiveDownload>();
  readonly #pushes: ClientMessage<"push">[] = [];
  #pushedBytes = 0;
  #lastPull = 0;
  #lastPush = 0;
  /** Those that were cancelled, and have not let go yet, too. */
  #pullCount = 0;
  #endpoint: ReplicaEndpoint | undefined;
  #isClosed = false;

  constructor(number: number, owner: SubscriptionOwner) {
    this.#number = number;
    this.#owner = owner;
  }

  get isBusy(): boolean {
    return this.#downloads.size > 0 || this.#pushes.length > 0;
  }

  /** What is asked for meanwhile is done afterwards. */
  async open(database: string, host: Pick<LiveHost, "openReplica">): Promise<void> {
    try {
      const endpoint = await host.openReplica(database, (refusal) => {
        if (!this.#isClosed) this.#owner.fail(this.#number, 0, refusal);
      });
      if (this.#isClosed) {
        endpoint.close();
        return;
      }
      this.#endpoint = endpoint;
      this.#owner.opened(this.#number);
      for (const download of this.#downloads.values()) download.start(endpoint);
      if (this.#pushes.length > 0) this.#runNextPush(endpoint);
    } catch (error) {
      if (!this.#isClosed) this.#owner.fail(this.#number, 0, error);
    }
  }

  /** Throws `LiveViolation`. */
  pull(message: ClientMessage<"pull">): void {
    const { pull } = message;
    if (pull <= this.#lastPull) throw new LiveViolation(`the number of pull ${pull} was used before`);
    this.#lastPull = pull;
    const { maxPulls } = this.#owner.limits;
    if (this.#pullCount >= maxPulls) {
      const refusal = new LiveRefusal(429, "too-many-pulls", `${maxPulls} pulls are open already`, 1_000);
      this.#owner.fail(this.#number, pull, refusal);
      return;
    }
    this.#pullCount += 1;
    const download = new LiveDownload(message, this.#owner, () => {
      this.#pullCount -= 1;
      this.#downloads.delete(pull);
      this.#owner.settled();
    });
    this.#downloads.set(pull, download);
    if (this.#endpoint !== undefined) download.start(this.#endpoint);
  }

  addCredit({ pull, bytes }: ClientMessage<"credit">): void {
    // One that has ended crosses with it.
    this.#downloads.get(pull)?.addCredit(bytes);
  }

  cancel({ pull }: ClientMessage<"cancel">): void {
    this.#downloads.get(pull)?.end();
  }

  /** Throws `LiveViolation`. */
  push(message: ClientMessage<"push">): void {
    const { push, body } = message;
    if (push <= this.#lastPush) throw new LiveViolation(`the number of push ${push} was used before`);
    // What it does depends on what came of the part before.
    if (this.#pushes.at(-1)?.isContinued)
      throw new LiveViolation("a push came before the one that it continues was answered");
    const maxBytes = MAX_PUSHED_MESSAGES * this.#owner.limits.maxMessageBytes;
    if (this.#pushes.length >= MAX_PUSHES || this.#pushedBytes + body.length > maxBytes)
      throw new LiveViolation("too much was pushed that is not answered yet", "too-many-pushes", 429);
    this.#lastPush = push;
    this.#pushes.push(message);
    this.#pushedBytes += body.length;
    if (this.#pushes.length === 1 && this.#endpoint !== undefined) this.#runNextPush(this.#endpoint);
  }

  finish(): void {
    const goingAway = new LiveRefusal(503, "going-away", "the server is closing: try again later", 1_000);
    for (const download of [...this.#downloads.values()]) {
      if (!download.isAnswered) download.end(goingAway);
    }
  }

  end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const download of [...this.#downloads.values()]) download.end();
    this.#pushes.length = 0;
    this.#endpoint?.close();
  }

  /** Begins only while there is room for what comes of it. */
  #runNextPush(endpoint: ReplicaEndpoint): void {
    this.#owner.outbox.whenRoom(() => {
      const [push] = this.#pushes;
      if (push !== undefined) void this.#runPush(endpoint, push);
    });
  }

  async #runPush(endpoint: ReplicaEndpoint, message: ClientMessage<"push">): Promise<void> {
    const { push, body, isContinued } = message;
    const sub = this.#number;
    try {
      const results = await endpoint.push(body, isContinued);
      if (!this.#isClosed) this.#owner.outbox.send({ type: "pushed", sub, push, body: results });
    } catch (error) {
      if (!this.#isClosed) this.#owner.fail(sub, push, error);
    }
    if (this.#isClosed) return;
    this.#pushes.shift();
    this.#pushedBytes -= body.length;
    if (this.#pushes.length > 0) this.#runNextPush(endpoint);
    else this.#owner.settled();
  }
}
