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
import { Backoff, type Connect, type LiveClient, type LiveClock, type LiveRemote } from "@tributary/live";
import type { ReplicaTransport } from "../replica-status.js";
import type { ReplicaRemote } from "./replica-remote.js";

/** Options of {@link SwitchingRemote}. */
export interface SwitchingRemoteOptions {
  /** Opens a WebSocket. */
  readonly connect: Connect;
  /** The live protocol over what a function connects. */
  readonly createClient: (connect: Connect) => LiveClient;
  /** The fallback. */
  readonly http: ReplicaRemote;
  readonly clock: LiveClock;
}

/** How long HTTP is used where the remote does not speak the live protocol, ms. */
const NOT_SPOKEN_MS = 300_000;
/** The same where sockets fail for no reason that was told, at first; a server that restarts is no reason to stay away. */
const FIRST_BLOCK_MS = 2_000;

/** A try of the live protocol, until it turns out to be blocked. */
interface LiveAttempt {
  readonly client: LiveClient;
  readonly remote: LiveRemote;
  /** Channels that were opened, and that could not be. */
  opened: number;
  refused: number;
  /** Something was answered over the newest channel. */
  isProven: boolean;
}

/**
 * The remote over a WebSocket where that is possible, over HTTP where it is not: sockets are blocked on the way, or the
 * server does not speak the live protocol. Sockets are blocked if they fail while HTTP works; so an operation whose socket
 * could not be opened is done over HTTP at once, unless it may have been sent. From time to time sockets are tried again.
 */
export class SwitchingRemote implements ReplicaRemote {
  readonly #options: SwitchingRemoteOptions;
  readonly #backoff: Backoff;
  readonly #pulls: Map<number, { readonly io: ProtocolIo; readonly pull: PullHandle }> = new Map();
  readonly #waits: Set<{ isWoken: boolean }> = new Set();
  /** The ends of clients that were given up. */
  readonly #closing: Set<Promise<void>> = new Set();
  #attempt: LiveAttempt | undefined;
  #blockedUntil = 0;
  #transport: ReplicaTransport = "websocket";
  #earlierBytesSent = 0;
  #earlierBytesReceived = 0;
  #lastHandle = 0;
  #isClosed = false;

  constructor(options: SwitchingRemoteOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ clock: options.clock, minMs: FIRST_BLOCK_MS, maxMs: NOT_SPOKEN_MS });
  }

  /** What the last operation went over. */
  get transport(): ReplicaTransport {
    return this.#transport;
  }

  get bytesSent(): number {
    return this.#options.http.bytesSent + this.#earlierBytesSent + (this.#attempt?.remote.bytesSent ?? 0);
  }

  get bytesReceived(): number {
    const { http } = this.#options;
    return http.bytesReceived + this.#earlierBytesReceived + (this.#attempt?.remote.bytesReceived ?? 0);
  }

  withSignal(signal: AbortSignal): ProtocolIo {
    return this.#ioFor(signal);
  }

  startPull(request: PullRequest): Promise<{ readonly pull: PullHandle; readonly header: PullHeader }> {
    return this.#startPull(request, undefined);
  }

  async receivePages(pull: PullHandle): Promise<PageBatch | undefined> {
    const open = this.#pulls.get(pull);
    if (open === undefined) throw new SyncError("invalid-state", "The pull has ended.");
    return await open.io.receivePages(open.pull);
  }

  async endPull(pull: PullHandle): Promise<void> {
    const open = this.#pulls.get(pull);
    this.#pulls.delete(pull);
    await open?.io.endPull(open.pull);
  }

  runRemoteBatch(batch: RemoteBatch): Promise<readonly RemoteStepResult[]> {
    return this.#runRemoteBatch(batch, undefined);
  }

  wake(): void {
    for (const wait of this.#waits) wait.isWoken = true;
    this.#attempt?.remote.wake();
    this.#options.http.wake();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#giveUp();
    await Promise.all([...this.#closing, this.#options.http.close()]);
  }

  #ioFor(signal: AbortSignal): ProtocolIo {
    return {
      startPull: (request) => this.#startPull(request, signal),
      receivePages: (pull) => this.receivePages(pull),
      endPull: (pull) => this.endPull(pull),
      runRemoteBatch: (batch) => this.#runRemoteBatch(batch, signal),
    };
  }

  async #startPull(
    request: PullRequest,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly pull: PullHandle; readonly header: PullHeader }> {
    const wait = { isWoken: false };
    this.#waits.add(wait);
    try {
      return await this.#over(signal, true, async (io, longestWaitMs) => {
        const longPollTimeoutMs = wait.isWoken ? 0 : Math.min(request.longPollTimeoutMs, longestWaitMs);
        const { pull, header } = await io.startPull({ ...request, longPollTimeoutMs });
        const handle = ++this.#lastHandle as PullHandle;
        this.#pulls.set(handle, { io, pull });
        return { pull: handle, header };
      });
    } finally {
      this.#waits.delete(wait);
    }
  }

  #runRemoteBatch(batch: RemoteBatch, signal: AbortSignal | undefined): Promise<readonly RemoteStepResult[]> {
    return this.#over(signal, batch.repeatable, async (io) => io.runRemoteBatch(batch));
  }

  /**
   * Does something over the transport of the moment, and over HTTP if that turns out to be the only one. `longestWaitMs`
   * is how long it may wait for a commit: only what HTTP answers tells that it works, and sockets are to be tried again.
   */
  async #over<T>(
    signal: AbortSignal | undefined,
    isRepeatable: boolean,
    work: (io: ProtocolIo, longestWaitMs: number) => Promise<T>,
  ): Promise<T> {
    if (this.#isClosed) throw new SyncError("invalid-state", "The protocol has been closed.");
    const { http, clock } = this.#options;
    const bind = (remote: ReplicaRemote): ProtocolIo =>
      signal === undefined ? remote : remote.withSignal(signal);
    const attempt = this.#attemptNow();
    if (attempt === undefined) {
      const result = await work(bind(http), Math.max(0, this.#blockedUntil - clock.now()));
      this.#transport = "http";
      return result;
    }
    const { opened, refused } = attempt;
    const wasOpen = attempt.client.state.state === "open";
    let failure: unknown;
    try {
      const result = await work(bind(attempt.remote), Number.POSITIVE_INFINITY);
      attempt.isProven = true;
      this.#transport = "websocket";
      this.#backoff.reset();
      return result;
    } catch (error) {
      const isUnsent = !wasOpen && attempt.opened === opened && attempt.refused > refused;
      const isGivenUp = this.#attempt !== attempt;
      const isBlocked = isUnsent ? !saysNothing(error) : !attempt.isProven && isOfTheNetwork(error);
      if (!isBlocked && !isGivenUp) throw error;
      // It may have been done. The engine finds out, over HTTP.
      if (!isUnsent && !isRepeatable) {
        this.#block(attempt, error);
        throw error;
      }
      failure = error;
    }
    const result = await work(bind(http), 0);
    this.#block(attempt, failure);
    this.#transport = "http";
    return result;
  }

  #attemptNow(): LiveAttempt | undefined {
    if (this.#attempt !== undefined) return this.#attempt;
    if (this.#options.clock.now() < this.#blockedUntil) return undefined;
    const client = this.#options.createClient(async (signal) => {
      try {
        const channel = await this.#options.connect(signal);
        attempt.opened++;
        attempt.isProven = false;
        return channel;
      } catch (error) {
        attempt.refused++;
        throw error;
      }
    });
    const remote = client.replica();
    const attempt: LiveAttempt = { client, remote, opened: 0, refused: 0, isProven: false };
    this.#attempt = attempt;
    return attempt;
  }

  #block(attempt: LiveAttempt, failure: unknown): void {
    if (this.#attempt !== attempt) return;
    const { clock } = this.#options;
    const wait = !isOfTheNetwork(failure) ? NOT_SPOKEN_MS * (0.5 + clock.random() / 2) : this.#backoff.next();
    this.#blockedUntil = clock.now() + wait;
    this.#giveUp();
  }

  #giveUp(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    this.#earlierBytesSent += attempt.remote.bytesSent;
    this.#earlierBytesReceived += attempt.remote.bytesReceived;
    const closing = attempt.client.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

/** Failures that say nothing about sockets: nobody asked for one, or who asked is wrong. */
const SAYS_NOTHING: ReadonlySet<string> = new Set(["paused", "aborted", "invalid-option", "invalid-state"]);

function saysNothing(error: unknown): boolean {
  return !(error instanceof SyncError) || SAYS_NOTHING.has(error.code);
}

/** Otherwise something answered, and it was not the live protocol. */
function isOfTheNetwork(error: unknown): boolean {
  return error instanceof SyncError && error.blame === "network";
}
