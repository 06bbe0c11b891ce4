import { type Channel, SyncError } from "@tributary/core";
import type { LiveTimer } from "../live-clock.js";
import type { StreamPosition } from "./change-streams.js";
import { errorOfRefusal, hasCode, refusalOf } from "./link-failure.js";
import { decodeLinkMessage, encodeLinkMessage, type LinkMessage } from "./link-messages.js";
import { LinkReceiver } from "./link-receiver.js";
import { LinkSender } from "./link-sender.js";
import { RetryTimer } from "./retry-timer.js";
import type { LinkPosition, StreamLink, StreamLinkOptions } from "./stream-link.js";

/** Greetings without an answer, after which the other end is taken for gone. */
const MAX_GREETINGS = 6;

type Greet = Extract<LinkMessage, { type: "greet" }>;
type SessionOptions = StreamLinkOptions &
  Required<Pick<StreamLinkOptions, "window" | "ackTimeoutMs" | "maxPackageBytes" | "keepAliveMs" | "clock">>;

/**
 * One link: the greeting, its two halves, and its end. It greets until it is answered, because a greeting may be lost too;
 * the sending half begins when it is known who the peer is and where it stands.
 */
export class LinkSession implements StreamLink {
  readonly #channel: Channel;
  readonly #options: SessionOptions;
  readonly #sender: LinkSender | undefined;
  readonly #receiver: LinkReceiver | undefined;
  readonly #stopListening: readonly (() => void)[];
  #peer: { readonly site: string; readonly takes: boolean; readonly sends: boolean } | undefined;
  /** Where the peer stands in the stream from here, once it has said so. */
  #ready: { readonly position: StreamPosition | undefined } | undefined;
  readonly #retry: RetryTimer;
  /** A greeting that could not be answered yet. */
  #busyGreet: Greet | undefined;
  #isFull = false;
  #greetings = 0;
  #greetTimer: LiveTimer | undefined;
  #keepAliveTimer: LiveTimer | undefined;
  #sentAt = 0;
  #heardAt: number;
  #isOver = false;

  constructor(channel: Channel, options: SessionOptions) {
    const { streams, clock, send = {}, receive = {}, window, ackTimeoutMs } = options;
    const { snapshotIfBehind = true, snapshotIfRestarted = false, maxPackageBytes } = options;
    this.#channel = channel;
    this.#options = options;
    this.#heardAt = clock.now();
    this.#retry = new RetryTimer(clock, () => this.#guard(() => this.#onGreet(this.#busyGreet as Greet)));
    const shared = {
      streams,
      clock,
      send: (message: LinkMessage) => this.#send(message),
      onProgress: () => this.#onProgress(),
      fail: (error: unknown) => this.#fail(error),
    };
    if (send !== false) {
      this.#sender = new LinkSender({
        ...shared,
        stream: send,
        window,
        ackTimeoutMs,
        snapshotIfBehind,
        snapshotIfRestarted,
        canSend: () => !this.#isFull,
      });
    }
    if (receive !== false) this.#receiver = new LinkReceiver({ ...shared, stream: receive, maxPackageBytes });
    this.#stopListening = [
      streams.onCommit(() => this.#sender?.pump()),
      streams.onClose(() => this.#onDatabaseClosed()),
    ];
    channel.listen({
      onMessage: (message) => this.#onMessage(message),
      onDrain: () => {
        this.#isFull = false;
        this.#sender?.pump();
      },
      onClose: (reason) => this.#end(new SyncError("unreachable", `The channel has closed: ${reason}.`)),
    });
    this.#greet();
    this.#keepAlive();
  }

  get position(): LinkPosition {
    return {
      peer: this.#peer?.site,
      sent: this.#sender?.sent ?? 0,
      acknowledged: this.#sender?.acknowledged ?? 0,
      applied: this.#receiver?.position?.cursor ?? 0,
      snapshots: this.#sender?.snapshots ?? 0,
    };
  }

  async flush(): Promise<void> {
    if (this.#isOver) throw new SyncError("invalid-state", "The stream link has ended.");
    await this.#sender?.flush();
  }

  close(): void {
    if (this.#isOver) return;
    this.#send({ type: "bye" });
    this.#end(undefined);
  }

  /** To the other end that is no error: it may come again. Here it is one, for who keeps the link. */
  #onDatabaseClosed(): void {
    this.#send({ type: "bye" });
    this.#end(new SyncError("invalid-state", "The database of the stream link was closed."));
  }

  #greet(): void {
    if (this.#greetings === MAX_GREETINGS) {
      this.#fail(new SyncError("timeout", "The other end does not answer as a stream link does."));
      return;
    }
    this.#greetings++;
    const [sends, takes] = [this.#sender !== undefined, this.#receiver !== undefined];
    this.#send({ type: "greet", site: this.#options.streams.site, sends, takes });
    if (this.#isOver) return;
    this.#greetTimer = this.#options.clock.startTimer(this.#options.ackTimeoutMs, () => this.#greet());
  }

  #keepAlive(): void {
    const { clock, keepAliveMs } = this.#options;
    if (keepAliveMs === 0 || this.#isOver) return;
    this.#keepAliveTimer = clock.startTimer(keepAliveMs, () => {
      const now = clock.now();
      if (now - this.#heardAt >= 2 * keepAliveMs) {
        this.#end(new SyncError("unreachable", `The other end was silent for ${now - this.#heardAt} ms.`));
        return;
      }
      // It answers, which a package that waits for its turn there does not make it do.
      if (now - this.#sentAt >= keepAliveMs || now - this.#heardAt >= keepAliveMs)
        this.#send({ type: "ping" });
      this.#keepAlive();
    });
  }

  #onMessage(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#heardAt = this.#options.clock.now();
    this.#greetings = 0;
    this.#guard(() => this.#take(decodeLinkMessage(bytes)));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(message: LinkMessage): void {
    switch (message.type) {
      case "greet":
        this.#onGreet(message);
        break;
      case "ready":
        this.#ready ??= message;
        this.#startSending();
        break;
      case "package":
        this.#receiver?.onPackage(message);
        break;
      case "ack":
        this.#sender?.onAck(message.seq, message.position?.cursor ?? 0);
        break;
      case "nack":
        this.#sender?.onNack(message.seq, message.position, message.code);
        break;
      case "wait":
        this.#sender?.onWait();
        break;
      case "refuse":
        this.#end(errorOfRefusal(message.code, message.message));
        break;
      case "bye":
        this.#end(undefined);
        break;
      case "ping":
        this.#send({ type: "pong" });
        break;
      case "pong":
        break;
      default:
        message satisfies never;
    }
  }

  #onGreet(greet: Greet): void {
    const { site, takes, sends } = greet;
    if (this.#peer === undefined) {
      this.#checkPeer(site);
      try {
        if (sends) this.#receiver?.start(site);
      } catch (error) {
        if (!hasCode(error, "database-busy")) throw error;
        // The app has a transaction open, and the first stream of a database has tables to make.
        this.#greetLater(greet);
        return;
      }
      this.#peer = { site, takes, sends };
      this.#options.onPeer?.(site);
      this.#onProgress();
    } else if (this.#peer.site !== site) {
      throw new SyncError("malformed-response", "The other end has changed its name.");
    }
    this.#send({ type: "ready", position: this.#receiver?.position });
    this.#startSending();
  }

  #greetLater(greet: Greet): void {
    this.#busyGreet = greet;
    this.#retry.start();
  }

  #checkPeer(site: string): void {
    const { peer, streams } = this.#options;
    if (site === streams.site) {
      const message = `Both ends are the site ${site}: one is a copy of the other's file, or the same file.`;
      throw new SyncError("invalid-state", message);
    }
    if (peer !== undefined && site !== peer) {
      throw new SyncError("unauthorized", `The other end is the site ${site}, and another is expected.`);
    }
  }

  #startSending(): void {
    if (this.#peer === undefined || this.#ready === undefined || this.#greetTimer === undefined) return;
    this.#greetTimer.cancel();
    this.#greetTimer = undefined;
    if (this.#peer.takes) this.#sender?.start(this.#peer.site, this.#ready.position);
    else this.#sender?.startIdle();
  }

  #send(message: LinkMessage): void {
    if (this.#isOver) return;
    this.#sentAt = this.#options.clock.now();
    // When it is closed, it tells so itself.
    if (this.#channel.send(encodeLinkMessage(message)) === "full") this.#isFull = true;
  }

  #onProgress(): void {
    if (this.#isOver) return;
    this.#guard(() => this.#options.onProgress?.(this.position));
  }

  /** Tells the other end too. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#send(refusalOf(error));
    this.#end(error);
  }

  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#greetTimer?.cancel();
    this.#keepAliveTimer?.cancel();
    this.#retry.cancel();
    for (const stop of this.#stopListening) stop();
    const reason =
      error instanceof Error ? error : error === undefined ? undefined : new Error(String(error));
    this.#sender?.close(reason ?? new SyncError("aborted", "The stream link was closed."));
    this.#receiver?.close();
    this.#channel.close(reason?.message);
    this.#options.onClose?.(reason);
  }
}
