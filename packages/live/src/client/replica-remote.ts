import {
  type PageBatch,
  type ProtocolIo,
  type PullHandle,
  type PullHeader,
  type PullRequest,
  type RemoteBatch,
  type RemoteStepResult,
  SyncError,
} from "@tributary/core";
import type { Connector } from "./connector.js";
import type { LiveRemote } from "./live-client.js";
import type { LiveSettings } from "./live-settings.js";
import { pushBatch } from "./push-batch.js";
import { ReplicaPulls } from "./replica-pulls.js";
import { ReplicaSubscription } from "./replica-subscription.js";
import { within } from "./within.js";

/** A batch is sent in parts of at most this, bytes. */
const MOST_BODY_BYTES = 2 * 1024 * 1024;
/** Longer than what a `push` has before its body. */
const PUSH_HEAD_BYTES = 64;

/** One database as the remote port; see {@link LiveRemote}. */
export class ReplicaRemote implements LiveRemote {
  readonly #connector: Connector;
  readonly #settings: LiveSettings;
  readonly #database: string;
  readonly #pulls: ReplicaPulls;
  #subscription: Promise<ReplicaSubscription> | undefined;
  /** Batches are sent one after the other: parts of two of them must not mix. */
  #lastBatch: Promise<unknown> = Promise.resolve();
  #bytesSent = 0;
  #bytesReceived = 0;
  #isClosed = false;

  constructor(connector: Connector, settings: LiveSettings, database: string) {
    this.#connector = connector;
    this.#settings = settings;
    this.#database = database;
    this.#pulls = new ReplicaPulls({ settings, open: (signal) => this.#open(signal) });
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  withSignal(signal: AbortSignal): ProtocolIo {
    return {
      startPull: (request) => this.#pulls.start(request, signal),
      receivePages: (pull) => this.#pulls.receive(pull, signal),
      endPull: (pull) => this.#pulls.end(pull),
      runRemoteBatch: (batch) => this.#runInTurn(batch, signal),
    };
  }

  startPull(request: PullRequest): Promise<{ readonly pull: PullHandle; readonly header: PullHeader }> {
    return this.#pulls.start(request, undefined);
  }

  receivePages(pull: PullHandle): Promise<PageBatch | undefined> {
    return this.#pulls.receive(pull, undefined);
  }

  endPull(pull: PullHandle): void {
    this.#pulls.end(pull);
  }

  runRemoteBatch(batch: RemoteBatch): Promise<readonly RemoteStepResult[]> {
    return this.#runInTurn(batch, undefined);
  }

  wake(): void {
    this.#pulls.wake();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // One that cannot be opened has nothing to be closed; who waits for it is told why.
    const subscription = await this.#subscription?.catch(() => undefined);
    subscription?.close(closed());
  }

  async #runInTurn(
    batch: RemoteBatch,
    signal: AbortSignal | undefined,
  ): Promise<readonly RemoteStepResult[]> {
    const running = this.#lastBatch.then(() => this.#run(batch, signal));
    // Only its end matters to the next one.
    this.#lastBatch = running.catch(() => {});
    return await running;
  }

  async #run(batch: RemoteBatch, signal: AbortSignal | undefined): Promise<readonly RemoteStepResult[]> {
    const subscription = await this.#open(signal);
    const { connection } = subscription;
    let mayBeOpen = false;
    const target = {
      endpoint: this.#settings.endpoint,
      maxBodyBytes: Math.min(connection.maxMessageBytes - PUSH_HEAD_BYTES, MOST_BODY_BYTES),
      push: (body: Uint8Array, isContinued: boolean): Promise<Uint8Array> => {
        mayBeOpen ||= isContinued;
        return connection.withFreshToken(() =>
          within(subscription.push(body, isContinued), { ...this.#settings, signal }),
        );
      },
    };
    this.#pulls.noteBatch();
    try {
      return await pushBatch(batch, target);
    } catch (error) {
      // What may be open there must not become part of the next batch, nor what is stuck there hold it up.
      const isStuck = error instanceof SyncError && error.code === "timeout";
      if (mayBeOpen || isStuck) subscription.close(error as SyncError);
      throw error;
    } finally {
      this.#pulls.noteBatch();
    }
  }

  /** The open subscription, or a new one. Rejects with `SyncError`. */
  async #open(signal: AbortSignal | undefined): Promise<ReplicaSubscription> {
    if (this.#isClosed) throw closed();
    const { clock, endpoint } = this.#settings;
    this.#subscription ??= this.#openNew();
    return await within(this.#subscription, { clock, endpoint, signal });
  }

  #openNew(): Promise<ReplicaSubscription> {
    const forget = (): void => {
      if (this.#subscription !== opening) return;
      this.#subscription = undefined;
      this.#pulls.forgetAhead();
    };
    const opening = this.#connectAndOpen(forget);
    opening.catch(forget);
    return opening;
  }

  async #connectAndOpen(onClose: () => void): Promise<ReplicaSubscription> {
    const connection = await this.#connector.connect();
    return await ReplicaSubscription.open(this.#database, {
      connection,
      settings: this.#settings,
      onSent: (bytes) => {
        this.#bytesSent += bytes;
      },
      onReceived: (bytes) => {
        this.#bytesReceived += bytes;
      },
      onClose,
    });
  }
}

function closed(): SyncError {
  return new SyncError("invalid-state", "The live remote has been closed.");
}
