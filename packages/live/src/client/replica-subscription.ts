import type { PullRequest, SendOutcome, SyncError } from "@tributary/core";
import { encodeLiveMessage, type LiveClientMessage } from "@tributary/wire";
import type { ClientConnection, SubscriptionEvents, SubscriptionMessage } from "./client-connection.js";
import { createDeferred, type Deferred } from "./deferred.js";
import { toSyncError } from "./live-failure.js";
import { LivePull } from "./live-pull.js";
import type { LiveSettings } from "./live-settings.js";

/** What {@link ReplicaSubscription} needs. */
export interface ReplicaSubscriptionOptions {
  readonly connection: ClientConnection;
  readonly settings: LiveSettings;
  onSent(bytes: number): void;
  onReceived(bytes: number): void;
  /** Once, when it is not open any more. */
  onClose(): void;
}

/** One database on a channel: its pulls and pushes, by number. */
export class ReplicaSubscription implements SubscriptionEvents {
  readonly connection: ClientConnection;
  readonly #options: ReplicaSubscriptionOptions;
  readonly #pulls = new Map<number, LivePull>();
  readonly #pushes = new Map<number, Deferred<Uint8Array>>();
  #sub = 0;
  /** Pulls and pushes are numbered together, so that a failure names one of them. */
  #lastRequest = 0;
  #error: SyncError | undefined;

  private constructor(options: ReplicaSubscriptionOptions) {
    this.#options = options;
    this.connection = options.connection;
  }

  /** Rejects with `SyncError`. */
  static async open(database: string, options: ReplicaSubscriptionOptions): Promise<ReplicaSubscription> {
    const subscription = new ReplicaSubscription(options);
    subscription.#sub = await options.connection.subscribe("replica", database, subscription);
    if (subscription.#error !== undefined) throw subscription.#error;
    return subscription;
  }

  get isOpen(): boolean {
    return this.#error === undefined;
  }

  /** Asks for pages. Throws `SyncError` when it is not open any more. */
  pull(request: PullRequest): LivePull {
    if (this.#error !== undefined) throw this.#error;
    const sub = this.#sub;
    const pull = ++this.#lastRequest;
    const { endpoint, creditBytes } = this.#options.settings;
    const opened = new LivePull({
      request,
      endpoint,
      creditBytes,
      grant: (bytes) => this.#send({ type: "credit", sub, pull, bytes }),
      cancel: () => {
        this.#pulls.delete(pull);
        this.#send({ type: "cancel", sub, pull });
      },
    });
    this.#pulls.set(pull, opened);
    this.#send({
      type: "pull",
      sub,
      pull,
      clientRevision: request.clientRevision,
      serverRevision: request.serverRevision,
      pages: request.pages,
      waitMs: Math.ceil(request.longPollTimeoutMs),
      credit: creditBytes,
    });
    return opened;
  }

  /** Sends a batch, or a part of one, and resolves with the encoded results. Rejects with `SyncError`. */
  push(body: Uint8Array, isContinued: boolean): Promise<Uint8Array> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const push = ++this.#lastRequest;
    const answer = createDeferred<Uint8Array>();
    this.#pushes.set(push, answer);
    this.#send({ type: "push", sub: this.#sub, push, isContinued, body });
    return answer.promise;
  }

  /** Everything on it fails with that error, and the server rolls back what is open. Calling it again does nothing. */
  close(error: SyncError): void {
    if (this.#error !== undefined) return;
    this.connection.unsubscribe(this.#sub);
    this.onClose(error);
  }

  onMessage(message: SubscriptionMessage, length: number): void {
    this.#options.onReceived(length);
    switch (message.type) {
      case "header":
        this.#pull(message.pull)?.takeHeader(message.revision, message.databaseSize);
        return;
      case "pages":
        this.#pull(message.pull)?.takePages({ pageIds: message.pageIds, bytes: message.bytes });
        return;
      case "end":
        this.#pull(message.pull)?.takeEnd();
        // Whatever becomes of the channel, it can still be taken.
        this.#pulls.delete(message.pull);
        return;
      case "pushed":
        this.#checkIsAsked(message.push);
        this.#pushes.get(message.push)?.resolve(message.body);
        this.#pushes.delete(message.push);
        return;
      case "failed":
        this.#failed(message.request, toSyncError(message, this.#options.settings.endpoint));
        return;
      case "data":
        throw this.connection.violation("sent data of a stream to a replica");
    }
  }

  onDrain(): void {
    // What is sent here waits for answers, which bounds it.
  }

  onClose(error: SyncError): void {
    this.#error = error;
    for (const pull of this.#pulls.values()) pull.fail(error);
    this.#pulls.clear();
    for (const push of this.#pushes.values()) push.reject(error);
    this.#pushes.clear();
    this.#options.onClose();
  }

  /** `undefined` for one that was cancelled: something of it may still have been on its way. */
  #pull(number: number): LivePull | undefined {
    this.#checkIsAsked(number);
    return this.#pulls.get(number);
  }

  #checkIsAsked(number: number): void {
    if (number > this.#lastRequest)
      throw this.connection.violation(`answered request ${number} before it came`);
  }

  #failed(request: number, error: SyncError): void {
    this.#checkIsAsked(request);
    const push = this.#pushes.get(request);
    const pull = this.#pulls.get(request);
    this.#pushes.delete(request);
    this.#pulls.delete(request);
    push?.reject(error);
    pull?.fail(error);
  }

  #send(message: LiveClientMessage): SendOutcome {
    const encoded = encodeLiveMessage(message);
    this.#options.onSent(encoded.length);
    return this.connection.sendEncoded(encoded);
  }
}
