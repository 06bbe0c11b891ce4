import { type Channel, type SendOutcome, SyncError } from "@tributary/core";
import {
  decodeLiveServerMessage,
  encodeLiveMessage,
  LIVE_VERSION,
  type LiveClientMessage,
  type LiveKind,
  type LiveServerMessage,
  WireError,
} from "@tributary/wire";
import { createDeferred, type Deferred } from "./deferred.js";
import { KeepAlive } from "./keep-alive.js";
import { isTokenExpired, isUnauthenticated, toSyncError } from "./live-failure.js";
import { askToken, type LiveSettings } from "./live-settings.js";
import { TokenRenewal } from "./token-renewal.js";
import { within } from "./within.js";

/** What the server sends to one subscription. */
export type SubscriptionMessage = Exclude<
  Extract<LiveServerMessage, { readonly sub: number }>,
  { readonly type: "opened" }
>;

/** What one subscription is told. */
export interface SubscriptionEvents {
  /** Throws `SyncError` where the server breaks the protocol: the channel is closed then. */
  onMessage(message: SubscriptionMessage, length: number): void;
  /** After a send that was answered `full`. */
  onDrain(): void;
  /** Once, when it is not open any more, unless it was closed from here. */
  onClose(error: SyncError): void;
}

/** What is known of a message length before the server has told its own, bytes. */
const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024;

/** The client's end of one channel: hello and token, keep-alive, and who gets which message. */
export class ClientConnection {
  readonly #channel: Channel;
  readonly #settings: LiveSettings;
  readonly #onClose: (error: SyncError) => void;
  readonly #subscriptions = new Map<number, SubscriptionEvents>();
  readonly #opening = new Map<number, Deferred<void>>();
  readonly #renewal: TokenRenewal;
  #lastSub = 0;
  #keepAlive: KeepAlive | undefined;
  /** The answer to a hello or a token that is waited for. */
  #welcome: Deferred<void> | undefined;
  #renewing: Promise<void> | undefined;
  #maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES;
  #error: SyncError | undefined;

  constructor(channel: Channel, settings: LiveSettings, onClose: (error: SyncError) => void) {
    this.#channel = channel;
    this.#settings = settings;
    this.#onClose = onClose;
    this.#renewal = new TokenRenewal({ clock: settings.clock, renew: () => this.renewToken() });
  }

  /** Why it is closed; `undefined`: it is not. */
  get error(): SyncError | undefined {
    return this.#error;
  }

  /** The longest message that the server takes, bytes. */
  get maxMessageBytes(): number {
    return this.#maxMessageBytes;
  }

  /** Says hello and waits for the welcome. Rejects with `SyncError`; the channel is closed then. */
  async open(token: string | undefined): Promise<void> {
    const welcome = this.#expectWelcome();
    this.#channel.listen({
      onMessage: (message) => this.#receive(message),
      onDrain: () => {
        for (const subscription of [...this.#subscriptions.values()]) subscription.onDrain();
      },
      onClose: (reason) => this.close(this.#cutOff(reason)),
    });
    this.send({ type: "hello", version: LIVE_VERSION, token, client: this.#settings.clientName });
    try {
      await within(welcome, this.#settings);
    } catch (error) {
      this.close(error as SyncError);
      throw error;
    }
  }

  /** Opens a subscription and gives its number. Rejects with `SyncError`. */
  async subscribe(kind: LiveKind, database: string, events: SubscriptionEvents): Promise<number> {
    return await this.withFreshToken(async () => {
      if (this.#error !== undefined) throw this.#error;
      const sub = ++this.#lastSub;
      const opened = createDeferred<void>();
      this.#opening.set(sub, opened);
      this.#subscriptions.set(sub, events);
      this.send({ type: "open", sub, kind, database });
      try {
        await within(opened.promise, this.#settings);
      } catch (error) {
        this.unsubscribe(sub);
        throw error;
      }
      return sub;
    });
  }

  /** Closes a subscription; nothing is told to it any more. Does nothing when it is not open. */
  unsubscribe(sub: number): void {
    this.#opening.delete(sub);
    if (this.#subscriptions.delete(sub)) this.send({ type: "close", sub });
  }

  /** Does it once more with a fresh token, where the server refuses the one that it has. */
  async withFreshToken<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      if (!isUnauthenticated(error) || !this.#hasFreshTokens || this.#error !== undefined) throw error;
      await this.renewToken();
      return await attempt();
    }
  }

  /** Asks the host for a token and has the server take it. Rejects with `SyncError`. */
  renewToken(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  send(message: LiveClientMessage): SendOutcome {
    return this.sendEncoded(encodeLiveMessage(message));
  }

  sendEncoded(message: Uint8Array): SendOutcome {
    if (this.#error !== undefined) return "closed";
    return this.#channel.send(message);
  }

  /** Closes the channel; everything on it fails with that error. Calling it again does nothing. */
  close(error: SyncError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#keepAlive?.stop();
    this.#renewal.stop();
    this.#channel.close(error.message);
    // First, so that whoever asks for something now gets another channel.
    this.#onClose(error);
    this.#welcome?.reject(error);
    for (const opened of this.#opening.values()) opened.reject(error);
    this.#opening.clear();
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    for (const subscription of subscriptions) subscription.onClose(error);
  }

  get #hasFreshTokens(): boolean {
    return typeof this.#settings.authToken === "function";
  }

  #expectWelcome(): Promise<void> {
    this.#welcome = createDeferred<void>();
    return this.#welcome.promise;
  }

  async #renew(): Promise<void> {
    const token = await within(askToken(this.#settings), this.#settings);
    const { endpoint } = this.#settings;
    if (token === undefined) throw new SyncError("unauthorized", "authToken() gave no token.", { endpoint });
    if (this.#error !== undefined) throw this.#error;
    const welcome = this.#expectWelcome();
    this.send({ type: "token", token });
    await within(welcome, this.#settings);
  }

  #receive(bytes: Uint8Array): void {
    if (this.#error !== undefined) return;
    this.#keepAlive?.received();
    try {
      this.#dispatch(decodeLiveServerMessage(bytes), bytes.length);
    } catch (error) {
      if (error instanceof WireError)
        this.close(this.violation(`sent what cannot be read: ${error.message}`, error));
      else if (error instanceof SyncError) this.close(error);
      else this.close(new SyncError("internal", "A message could not be handled.", { cause: error }));
    }
  }

  #dispatch(message: LiveServerMessage, length: number): void {
    switch (message.type) {
      case "welcome":
        this.#welcomed(message);
        return;
      case "ping":
        this.send({ type: "pong", nonce: message.nonce });
        return;
      case "pong":
        return;
      case "opened":
        this.#opened(message.sub);
        return;
      case "failed":
        this.#failed(message, length);
        return;
      default:
        this.#subscriptionOf(message.sub, message.type)?.onMessage(message, length);
    }
  }

  #welcomed({
    expiresInMs,
    keepAliveMs,
    maxMessageBytes,
  }: Extract<LiveServerMessage, { type: "welcome" }>): void {
    if (this.#welcome === undefined) throw this.violation("sent a welcome that nobody has asked for");
    if (keepAliveMs < 1) throw this.violation("sent a welcome without time between signs of life");
    this.#maxMessageBytes = maxMessageBytes;
    this.#keepAlive ??= new KeepAlive({
      clock: this.#settings.clock,
      keepAliveMs,
      onSilence: () => this.close(this.#cutOff("nothing came any more")),
    });
    this.#renewal.taken(this.#hasFreshTokens ? expiresInMs : undefined);
    this.#welcome.resolve();
    this.#welcome = undefined;
  }

  #opened(sub: number): void {
    this.#subscriptionOf(sub, "opened");
    this.#opening.get(sub)?.resolve();
    this.#opening.delete(sub);
  }

  #failed(message: Extract<LiveServerMessage, { type: "failed" }>, length: number): void {
    const error = toSyncError(message, this.#settings.endpoint);
    if (message.sub === 0) {
      this.close(this.#couldBeRenewed(error));
      return;
    }
    const subscription = this.#subscriptionOf(message.sub, "failed");
    if (message.request !== 0) {
      subscription?.onMessage(message, length);
      return;
    }
    this.#subscriptions.delete(message.sub);
    const opening = this.#opening.get(message.sub);
    this.#opening.delete(message.sub);
    if (opening !== undefined) opening.reject(error);
    else subscription?.onClose(error);
  }

  /** A channel that was closed for its token may be opened again with a fresh one: no reason to give up. */
  #couldBeRenewed(error: SyncError): SyncError {
    if (!isTokenExpired(error) || !this.#hasFreshTokens || this.#keepAlive === undefined) return error;
    const cause = this.#renewal.error ?? error;
    return new SyncError("unreachable", error.message, { ...error.details, cause });
  }

  /** `undefined` for one that has been closed: something for it may still have been on its way. */
  #subscriptionOf(sub: number, type: string): SubscriptionEvents | undefined {
    if (sub > this.#lastSub)
      throw this.violation(`sent ${type} for the subscription ${sub}, which is not open`);
    return this.#subscriptions.get(sub);
  }

  /** The server has broken the protocol. */
  violation(what: string, cause?: unknown): SyncError {
    const { endpoint } = this.#settings;
    return new SyncError("malformed-response", `${endpoint} ${what}.`, {
      endpoint,
      ...(cause !== undefined && { cause }),
    });
  }

  #cutOff(reason: string): SyncError {
    const { endpoint } = this.#settings;
    return new SyncError("unreachable", `The connection to ${endpoint} was closed: ${reason}.`, { endpoint });
  }
}
