import type { Channel } from "@tributary/core";
import {
  decodeLiveClientMessage,
  encodeLiveMessage,
  LIVE_VERSION,
  type LiveClientMessage,
  WireError,
} from "@tributary/wire";
import { KeepAlive } from "../client/keep-alive.js";
import type { LiveClock, LiveTimer } from "../live-clock.js";
import type { LiveConnection } from "./accept-live.js";
import { EarlyMessages } from "./early-messages.js";
import { LiveExpiry } from "./live-expiry.js";
import { type LiveGrant, type LiveHost, type LiveLimits, LiveRefusal } from "./live-host.js";
import { LiveOutbox } from "./live-outbox.js";
import { LiveViolation } from "./live-violation.js";
import { ReplicaSubscription } from "./replica-subscription.js";
import { StreamSubscription } from "./stream-subscription.js";
import type { ClientMessage, Subscription, SubscriptionOwner } from "./subscription.js";

/** Fresh tokens that are not looked at yet. */
const MAX_TOKENS = 4;

/** One channel: who may send what and when, and who gets it. */
export class LiveServerConnection implements LiveConnection, SubscriptionOwner {
  readonly clock: LiveClock;
  readonly limits: LiveLimits;
  readonly outbox: LiveOutbox;
  readonly #channel: Channel;
  readonly #host: LiveHost;
  readonly #early = new EarlyMessages();
  readonly #expiry: LiveExpiry;
  readonly #subscriptions = new Map<number, Subscription>();
  /** Until it is known who it is. */
  #helloTimer: LiveTimer | undefined;
  #keepAlive: KeepAlive | undefined;
  #lastSub = 0;
  #lastNonce = 0;
  #state: "new" | "greeting" | "open" | "finishing" | "closed" = "new";
  /** Tokens that are looked at, one after the other. */
  #tokens = 0;
  #authenticating: Promise<void> = Promise.resolve();

  constructor(channel: Channel, host: LiveHost) {
    const { clock, limits } = host;
    this.#channel = channel;
    this.#host = host;
    this.clock = clock;
    this.limits = limits;
    this.outbox = new LiveOutbox({
      channel,
      clock,
      stallTimeoutMs: limits.stallTimeoutMs,
      onStall: () =>
        this.#shut(new LiveViolation("the client does not take what it is sent", "stalled", 408)),
      onSent: () => this.#keepAlive?.sent(),
    });
    this.#expiry = new LiveExpiry(clock, () => this.#expire());
    this.#helloTimer = clock.startTimer(limits.helloTimeoutMs, () =>
      this.#shut(new LiveViolation("nobody said in time who is there", "hello-timeout", 408)),
    );
    channel.listen({
      onMessage: (bytes) => this.#receive(bytes),
      onDrain: () => this.outbox.drained(),
      onClose: (reason) => this.#end(reason, undefined),
    });
  }

  close(reason: string): void {
    this.#shut(new LiveRefusal(503, "going-away", reason, 1_000));
  }

  finish(): void {
    if (this.#state === "closed") return;
    this.#state = "finishing";
    for (const subscription of [...this.#subscriptions.values()]) subscription.finish();
    this.settled();
  }

  opened(sub: number): void {
    this.#prove();
    this.outbox.send({ type: "opened", sub });
  }

  fail(sub: number, request: number, error: unknown): void {
    if (this.#state === "closed") return;
    if (!(error instanceof LiveRefusal)) {
      this.#shut(error);
      return;
    }
    const { status, code, message, retryAfterMs } = error;
    this.outbox.send({ type: "failed", sub, request, status, code, message, retryAfterMs });
    if (request === 0) this.#forget(sub, message);
    this.settled();
  }

  settled(): void {
    if (this.#state !== "finishing") return;
    for (const subscription of this.#subscriptions.values()) if (subscription.isBusy) return;
    this.close("the server is closing: try again later");
  }

  #receive(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#keepAlive?.received();
    try {
      if (bytes.length > this.limits.maxMessageBytes) {
        const text = `a message is longer than ${this.limits.maxMessageBytes} bytes`;
        throw new LiveViolation(text, "too-long", 413);
      }
      if (this.#helloTimer !== undefined) this.#early.count(bytes);
      if (this.#state === "greeting") this.#early.keep(bytes);
      else this.#handle(decodeLiveClientMessage(bytes));
    } catch (error) {
      this.#shut(error);
    }
  }

  /** Throws `LiveViolation`. */
  #handle(message: LiveClientMessage): void {
    if (this.#state === "new") this.#greet(message);
    else if (this.#state === "finishing") this.#turnAway(message);
    else this.#dispatch(message);
  }

  /** Throws `LiveViolation`. */
  #dispatch(message: LiveClientMessage): void {
    switch (message.type) {
      case "hello":
        throw new LiveViolation("a second hello: a fresh token is sent as such");
      case "token":
        this.#renew(message.token);
        break;
      case "open":
        this.#open(message);
        break;
      case "close":
        this.#subscription(message.sub);
        this.#forget(message.sub, "the client has closed it");
        break;
      case "pull":
        this.#replica(message.sub)?.pull(message);
        break;
      case "credit":
        this.#replica(message.sub)?.addCredit(message);
        break;
      case "cancel":
        this.#replica(message.sub)?.cancel(message);
        break;
      case "push":
        this.#replica(message.sub)?.push(message);
        break;
      case "data":
        this.#stream(message.sub)?.receive(message.payload);
        break;
      case "ping":
        this.outbox.send({ type: "pong", nonce: message.nonce });
        break;
      case "pong":
        break;
      default:
        unknownMessage(message);
    }
  }

  /** What comes when no more is taken. Throws `LiveViolation`. */
  #turnAway(message: LiveClientMessage): void {
    const goingAway = new LiveRefusal(503, "going-away", "the server is closing: try again later", 1_000);
    if (message.type === "open") this.fail(message.sub, 0, goingAway);
    else if (message.type === "pull") this.fail(message.sub, message.pull, goingAway);
    else if (message.type === "push") this.fail(message.sub, message.push, goingAway);
    else if (message.type !== "data") this.#dispatch(message);
  }

  /** Throws `LiveViolation`. */
  #greet(message: LiveClientMessage): void {
    if (message.type !== "hello") throw new LiveViolation("the first message must be a hello");
    if (message.version !== LIVE_VERSION) {
      const text = `version ${message.version} of the live protocol is not spoken here, but ${LIVE_VERSION}`;
      throw new LiveViolation(text, "unsupported-version");
    }
    this.#state = "greeting";
    this.#authenticate(message.token, () => {
      const { clock, limits } = this;
      this.#keepAlive = new KeepAlive({
        clock,
        keepAliveMs: limits.keepAliveMs,
        ping: () => this.#ping(),
        onSilence: () => this.#shut(new LiveViolation("nothing came any more", "silent", 408)),
      });
      if (this.#state === "greeting") this.#state = "open";
      this.#readEarly();
    });
  }

  #readEarly(): void {
    try {
      for (const bytes of this.#early.take()) {
        if (this.#state !== "closed") this.#handle(decodeLiveClientMessage(bytes));
      }
    } catch (error) {
      this.#shut(error);
    }
  }

  /** Throws `LiveViolation`. */
  #renew(token: string): void {
    if (this.#tokens >= MAX_TOKENS) throw new LiveViolation("too many tokens that are not answered yet");
    this.#authenticate(token, () => {});
  }

  #authenticate(token: string | undefined, onWelcome: () => void): void {
    this.#tokens += 1;
    this.#authenticating = this.#authenticating.then(async () => {
      if (this.#state === "closed") return;
      try {
        const grant = await this.#host.authenticate(token === "" ? undefined : token);
        this.#tokens -= 1;
        if (this.#isClosed) return;
        this.#welcome(grant);
        onWelcome();
      } catch (error) {
        this.#shut(error);
      }
    });
  }

  #welcome({ expiresAt, isProvisional = false }: LiveGrant): void {
    const { keepAliveMs, maxMessageBytes } = this.limits;
    const expiresInMs = this.#expiry.set(expiresAt);
    if (!isProvisional) this.#prove();
    this.outbox.send({ type: "welcome", expiresInMs, keepAliveMs, maxMessageBytes });
  }

  /** It is known who it is. */
  #prove(): void {
    this.#helloTimer?.cancel();
    this.#helloTimer = undefined;
  }

  #expire(): void {
    // A token that is being looked at decides.
    if (this.#tokens === 0)
      this.#shut(new LiveRefusal(401, "token-expired", "the token has expired: send a fresh one in time"));
  }

  #ping(): void {
    // What waits to be sent says enough.
    if (this.outbox.hasRoom) this.outbox.send({ type: "ping", nonce: ++this.#lastNonce });
  }

  /** Throws `LiveViolation`. */
  #open({ sub, kind, database }: ClientMessage<"open">): void {
    if (sub <= this.#lastSub) throw new LiveViolation(`the number of subscription ${sub} was used before`);
    this.#lastSub = sub;
    const { maxSubscriptions } = this.limits;
    if (this.#subscriptions.size >= maxSubscriptions) {
      const text = `a channel can have ${maxSubscriptions} subscriptions open`;
      this.fail(sub, 0, new LiveRefusal(429, "too-many-subscriptions", text));
      return;
    }
    const subscription =
      kind === "replica" ? new ReplicaSubscription(sub, this) : new StreamSubscription(sub, this);
    this.#subscriptions.set(sub, subscription);
    void subscription.open(database, this.#host);
  }

  /** Undefined for one that is closed: what is for it was on its way. Throws `LiveViolation`. */
  #subscription(sub: number): Subscription | undefined {
    if (sub > this.#lastSub) throw new LiveViolation(`subscription ${sub} was never opened`);
    return this.#subscriptions.get(sub);
  }

  /** Throws `LiveViolation`. */
  #replica(sub: number): ReplicaSubscription | undefined {
    const subscription = this.#subscription(sub);
    if (subscription === undefined || subscription instanceof ReplicaSubscription) return subscription;
    throw new LiveViolation(`subscription ${sub} is for a change stream`);
  }

  /** Throws `LiveViolation`. */
  #stream(sub: number): StreamSubscription | undefined {
    const subscription = this.#subscription(sub);
    if (subscription === undefined || subscription instanceof StreamSubscription) return subscription;
    throw new LiveViolation(`subscription ${sub} is for pages and SQL`);
  }

  #forget(sub: number, reason: string): void {
    const subscription = this.#subscriptions.get(sub);
    this.#subscriptions.delete(sub);
    subscription?.end(reason);
  }

  /** Tells the client why, and closes. */
  #shut(error: unknown): void {
    if (this.#state === "closed") return;
    const { status, code, message, retryAfterMs } = toRefusal(error);
    const isOurFault = !(
      error instanceof LiveRefusal ||
      error instanceof LiveViolation ||
      error instanceof WireError
    );
    const failed = { type: "failed", sub: 0, request: 0, status, code, message, retryAfterMs } as const;
    this.#end(message, isOurFault ? error : undefined, () => {
      this.#channel.send(encodeLiveMessage(failed));
      this.#channel.close(message);
    });
  }

  #end(reason: string, error: unknown, closeChannel: () => void = () => {}): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#helloTimer?.cancel();
    this.#expiry.cancel();
    this.#keepAlive?.stop();
    this.#early.clear();
    this.outbox.close();
    closeChannel();
    for (const sub of [...this.#subscriptions.keys()]) this.#forget(sub, reason);
    this.#host.onClose(error);
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }
}

/** What the client is told. */
function toRefusal(error: unknown): LiveRefusal {
  if (error instanceof LiveRefusal) return error;
  if (error instanceof LiveViolation) return new LiveRefusal(error.status, error.code, error.message);
  if (error instanceof WireError) return new LiveRefusal(400, "protocol-error", error.message);
  // Anything may be in its text.
  return new LiveRefusal(500, "internal", "internal error");
}

function unknownMessage(message: never): never {
  throw new LiveViolation(`unknown message ${JSON.stringify(message)}`);
}
