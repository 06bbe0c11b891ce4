import type { OutboundPackage, OutboundStreamOptions } from "@tributary/core";
import { SyncError } from "@tributary/core";
import type { LiveClock, LiveTimer } from "../live-clock.js";
import type { ChangeStreams, LinkOutbound, StreamPosition } from "./change-streams.js";
import { hasCode } from "./link-failure.js";
import { FRAGMENT_BYTES, type LinkMessage } from "./link-messages.js";
import { RetryTimer } from "./retry-timer.js";

/** Timeouts of one package in a row, each twice as long as the last, after which the other end is taken for gone. */
const MAX_TIMEOUTS = 4;
/** Refusals in a row, without a package that was taken, after which the two ends are taken to be at odds. */
const MAX_NACKS = 50;
/** After so many of them it is not taken for granted any more that the receiver stands where it has acknowledged. */
const NACKS_TO_RESUME = 4;

/** What a sender needs of the link that it is part of. */
export interface LinkSenderOptions {
  readonly streams: ChangeStreams;
  readonly stream: Omit<OutboundStreamOptions, "to" | "encoding">;
  readonly window: number;
  readonly ackTimeoutMs: number;
  readonly snapshotIfBehind: boolean;
  readonly snapshotIfRestarted: boolean;
  readonly clock: LiveClock;
  /** False when nothing more is to be sent before the channel drains. */
  canSend(): boolean;
  send(message: LinkMessage): void;
  onProgress(): void;
  /** The link is over. */
  fail(error: unknown): void;
}

interface Unacknowledged {
  readonly seq: number;
  /** Without its payload: a row may have many megabytes, and the window many of them. */
  readonly made: Omit<OutboundPackage, "payload">;
}

interface Flush {
  /** The cursor that is to be acknowledged; `undefined` until all that there was is sent. */
  target: number | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The sending half of a link: a window of packages that are not acknowledged, and go-back-N. A package that was refused,
 * or is not acknowledged in time, is made anew by the outbound stream, and so are all after it: what is kept here is
 * never more than the window.
 */
export class LinkSender {
  readonly #options: LinkSenderOptions;
  readonly #retry: RetryTimer;
  readonly #waiting: Unacknowledged[] = [];
  readonly #flushes = new Set<Flush>();
  #peer = "";
  #outbound: LinkOutbound | undefined;
  /** What is to be done first: it is tried until the database is not busy. */
  #begin: (() => void) | undefined;
  /** What of the newest package is not sent yet. */
  #rest: { readonly seq: number; readonly payload: Uint8Array; offset: number } | undefined;
  #nextSeq = 1;
  /** Answers to older packages are about what was given up. */
  #firstSeq = 1;
  #acked: { readonly seq: number; readonly cursor: number } | undefined;
  #ackTimer: LiveTimer | undefined;
  #timeouts = 0;
  #nacks = 0;
  #isPumping = false;
  #isIdle = false;
  #isClosed = false;
  /** Cursors of the tape here. */
  sent = 0;
  acknowledged = 0;
  /** How many snapshots were begun on this link. */
  snapshots = 0;

  constructor(options: LinkSenderOptions) {
    this.#options = options;
    this.#retry = new RetryTimer(options.clock, () => this.pump());
  }

  /** Begins to send to a site, which stands here. */
  start(peer: string, position: StreamPosition | undefined): void {
    this.#peer = peer;
    this.#begin = () => {
      this.#outbound ??= this.#open(undefined);
      this.#resume(position);
    };
    this.pump();
  }

  /** The other end takes nothing, so there is nothing to wait for. */
  startIdle(): void {
    this.#isIdle = true;
    this.#onAllSent();
  }

  /** Sends what there is, as far as the window and the channel allow. */
  pump(): void {
    const hasBegun = this.#outbound !== undefined || this.#begin !== undefined;
    if (this.#isPumping || this.#isClosed || !hasBegun || this.#retry.isRunning) return;
    this.#isPumping = true;
    this.#attempt(() => {
      this.#begin?.();
      this.#begin = undefined;
      this.#applyAck();
      while (this.#sendOne()) {}
    });
    this.#isPumping = false;
  }

  /** Every package up to `seq` is applied; or, if that one was given up meanwhile, those up to the cursor are. */
  onAck(seq: number, cursor: number): void {
    if (this.#acked === undefined || seq > this.#acked.seq) this.#acked = { seq, cursor };
    this.pump();
  }

  onNack(seq: number, position: StreamPosition | undefined, code: string): void {
    if (seq < this.#firstSeq || this.#outbound === undefined) return;
    this.#nacks++;
    this.#timeouts = 0;
    if (this.#nacks > MAX_NACKS) {
      this.#options.fail(
        new SyncError("stream-gap", `The other end has refused ${MAX_NACKS} packages in a row (${code}).`),
      );
      return;
    }
    this.#attempt(() => {
      this.#giveUpWaiting();
      // Else the snapshot that a package was lost of would begin anew.
      const isElsewhere = position !== undefined && position.cursor > this.acknowledged;
      if (isElsewhere || this.#nacks % NACKS_TO_RESUME === 0) this.#begin = () => this.#resume(position);
    });
    // The first refusal is what a lost package looks like. More of them must not become a hot loop.
    if (this.#nacks > 1) this.#retry.start();
    this.pump();
  }

  /** The other end is there and at work. */
  onWait(): void {
    this.#timeouts = 0;
    this.#watchAck();
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#flushes.add({ target: undefined, resolve, reject });
      if (this.#isIdle) this.#onAllSent();
      else this.pump();
    });
  }

  close(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ackTimer?.cancel();
    this.#retry.cancel();
    this.#waiting.length = 0;
    this.#rest = undefined;
    for (const flush of this.#flushes) flush.reject(error);
    this.#flushes.clear();
    this.#outbound?.close();
  }

  #open(since: OutboundStreamOptions["since"]): LinkOutbound {
    const { streams, stream } = this.#options;
    return streams.createOutboundStream({
      ...stream,
      ...(since === undefined ? {} : { since }),
      to: this.#peer,
      encoding: "binary",
      excludeOrigins: [...new Set([...(stream.excludeOrigins ?? []), this.#peer])],
    });
  }

  #sendOne(): boolean {
    if (this.#isClosed || this.#retry.isRunning || !this.#options.canSend()) return false;
    if (this.#rest !== undefined) {
      this.#sendFragment(this.#rest);
      return true;
    }
    if (this.#waiting.length >= this.#options.window) return false;
    const next = (this.#outbound as LinkOutbound).next();
    if (next === undefined) {
      this.#onAllSent();
      return false;
    }
    const { payload, ...made } = next;
    const seq = this.#nextSeq++;
    this.#waiting.push({ seq, made });
    // A link asks for binary packages.
    this.#rest = { seq, payload: payload as Uint8Array, offset: 0 };
    this.sent = Math.max(this.sent, made.to);
    return true;
  }

  #sendFragment(rest: { readonly seq: number; readonly payload: Uint8Array; offset: number }): void {
    const { seq, payload, offset } = rest;
    const end = Math.min(offset + FRAGMENT_BYTES, payload.length);
    const isLast = end === payload.length;
    if (isLast) this.#rest = undefined;
    else rest.offset = end;
    this.#options.send({ type: "package", seq, isLast, offset, bytes: payload.subarray(offset, end) });
    this.#watchAck();
    if (isLast) this.#options.onProgress();
  }

  #onAllSent(): void {
    for (const flush of this.#flushes) {
      flush.target ??= this.#waiting.at(-1)?.made.to ?? 0;
      if (this.#waiting.length > 0) continue;
      this.#flushes.delete(flush);
      flush.resolve();
    }
  }

  #applyAck(): void {
    if (this.#acked === undefined) return;
    const { seq, cursor } = this.#acked;
    const isTaken = ({ seq: mine, made }: Unacknowledged): boolean =>
      seq >= this.#firstSeq ? mine <= seq : made.from > 0 && made.to <= cursor;
    const last = this.#waiting.findLast(isTaken);
    if (last !== undefined) {
      // Before anything is forgotten: it throws while the app has a transaction open.
      last.made.ack();
      this.#waiting.splice(0, this.#waiting.indexOf(last) + 1);
      if (this.#rest !== undefined && this.#rest.seq <= last.seq) this.#rest = undefined;
      // A part of a snapshot leaves the receiver where it was.
      this.acknowledged = Math.max(this.acknowledged, cursor);
      this.#nacks = 0;
      this.#timeouts = 0;
      this.#watchAck();
      for (const flush of this.#flushes) {
        if (flush.target === undefined || last.made.to < flush.target || !last.made.endsTransaction) continue;
        this.#flushes.delete(flush);
        flush.resolve();
      }
      this.#options.onProgress();
    }
    this.#acked = undefined;
    this.#retry.succeeded();
  }

  /** Everything from the oldest package that is not acknowledged is made, and sent, again. */
  #giveUpWaiting(): void {
    this.#waiting[0]?.made.nack();
    this.#waiting.length = 0;
    this.#rest = undefined;
    this.#acked = undefined;
    this.#firstSeq = this.#nextSeq;
    this.#watchAck();
  }

  #watchAck(): void {
    this.#ackTimer?.cancel();
    this.#ackTimer = undefined;
    if (this.#waiting.length === 0 || this.#isClosed) return;
    this.#ackTimer = this.#options.clock.startTimer(this.#options.ackTimeoutMs * 2 ** this.#timeouts, () => {
      // While the channel is full nothing can have been lost for want of an answer, only be slow.
      if (this.#timeouts === MAX_TIMEOUTS) {
        this.#options.fail(new SyncError("timeout", "The other end does not acknowledge what is sent."));
        return;
      }
      this.#timeouts++;
      if (this.#options.canSend()) this.#attempt(() => this.#giveUpWaiting());
      else this.#watchAck();
      this.pump();
    });
  }

  #resume(position: StreamPosition | undefined): void {
    (this.#outbound as LinkOutbound).resume(position);
    if (position !== undefined) this.acknowledged = Math.max(this.acknowledged, position.cursor);
    else if ((this.#options.stream.since ?? "snapshot") === "snapshot") this.snapshots++;
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onFailure(error);
    }
  }

  #onFailure(error: unknown): void {
    const { snapshotIfBehind, snapshotIfRestarted, fail } = this.#options;
    if (this.#isClosed) return;
    if (hasCode(error, "database-busy")) {
      this.#retry.start();
      return;
    }
    const canBeginAnew =
      (hasCode(error, "stream-behind") && snapshotIfBehind) ||
      (hasCode(error, "stream-restarted") && snapshotIfRestarted);
    if (!canBeginAnew) {
      fail(error);
      return;
    }
    try {
      this.#giveUpWaiting();
    } catch (cause) {
      fail(cause);
      return;
    }
    this.#begin = () => {
      this.#outbound?.close();
      this.#outbound = undefined;
      this.#outbound = this.#open("snapshot");
      this.snapshots++;
      this.#options.onProgress();
    };
    // Not at once: should that fail the same way, it must not become a hot loop.
    this.#retry.start();
  }
}
