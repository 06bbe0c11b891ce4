import type { Channel } from "@tributary/core";
import { type LiveClock, systemClock } from "@tributary/live";
import { toBytes } from "./channel-socket.js";
import { SendWatch } from "./send-watch.js";
import { SharedChannel } from "./shared-channel.js";
import {
  decodeFrame,
  encodeFrame,
  FrameKind,
  hasPrefix,
  type TaggedFrame,
  tagPrefix,
} from "./tagged-frame.js";

/** A socket of the app's, of whatever library. Only its end is listened to. */
export type SharedSocket = (
  | { addEventListener(type: "close", listener: () => void): void }
  | { on(type: "close", listener: () => void): unknown }
) & {
  send(data: Uint8Array): unknown;
  /** Bytes that are waiting to be sent. Without it a sender is never told to wait. */
  readonly bufferedAmount?: number;
  /** 1: open, as browsers number it. */
  readonly readyState?: number;
};

/** Options of {@link multiplexSocket}. */
export interface MultiplexOptions {
  /** What frames are known by; the same at both ends, up to 64 bytes. Default `tributary`. */
  readonly tag?: string;
  /** The other end opens a channel. To be listened to soon. Default: there are none to be opened here. */
  readonly onChannel?: (channel: Channel) => void;
  /** How many channels the other end may have open; one more is refused. Default 16. */
  readonly maxChannels?: number;
  /** A longer message ends its channel, bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** What may wait for `listen`; more ends the channel, bytes. Default 16 MiB. */
  readonly maxWaitingBytes?: number;
  /** A sender is told `full` when more than this is waiting on the socket, whosever it is, bytes. Default 256 KiB. */
  readonly highWaterBytes?: number;
  /** Where time comes from. */
  readonly clock?: LiveClock;
}

/** Channels on a socket that carries other traffic. */
export interface SocketMultiplexer {
  /**
   * To be given each message of the socket before the app looks at it. True: it was taken. False: it is not ours, and was
   * not touched. With sockets of `ws`, `isBinary` tells their text messages, which come as bytes too.
   */
  take(data: unknown, isBinary?: boolean): boolean;
  /** Opens a channel; the other end learns of it by its `onChannel`. On a socket that is gone, it is closed. */
  open(): Channel;
  /** Ends all channels, of both ends, and takes no further ones. The socket stays as it is. */
  close(reason?: string): void;
}

/** `readyState` of a socket that is open. */
const OPEN = 1;
/** What a reason may take, UTF-16 code units: it is for people. */
const MAX_REASON_LENGTH = 1000;
const NOTHING = new Uint8Array();

/**
 * Shares a socket that the app has: only binary messages that begin with the tag are ours. It never closes the socket and
 * sends nothing but frames with the tag. Several tags are several multiplexers. Throws `SyncError` `invalid-option`.
 */
export function multiplexSocket(socket: SharedSocket, options: MultiplexOptions = {}): SocketMultiplexer {
  return new Multiplexer(socket, options);
}

/** One end's channels: the opener's frames and the acceptor's have kinds of their own. */
interface Side {
  readonly channels: Map<number, SharedChannel>;
  readonly data: FrameKind;
  readonly close: FrameKind;
}

class Multiplexer implements SocketMultiplexer {
  readonly #socket: SharedSocket;
  readonly #options: MultiplexOptions;
  readonly #highWaterBytes: number;
  readonly #prefix: Uint8Array;
  readonly #opened: Side = { channels: new Map(), data: FrameKind.openerData, close: FrameKind.openerClose };
  readonly #accepted: Side = {
    channels: new Map(),
    data: FrameKind.acceptorData,
    close: FrameKind.acceptorClose,
  };
  #lastOpened = 0;
  #lastAccepted = 0;
  #isOver = false;

  constructor(socket: SharedSocket, options: MultiplexOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#highWaterBytes = options.highWaterBytes ?? 256 << 10;
    this.#prefix = tagPrefix(options.tag ?? "tributary");
    const onClose = (): void => this.#end("the socket is closed");
    if ("addEventListener" in socket) socket.addEventListener("close", onClose);
    else socket.on("close", onClose);
  }

  take(data: unknown, isBinary = true): boolean {
    const bytes = isBinary ? toBytes(data) : undefined;
    if (bytes === undefined || !hasPrefix(bytes, this.#prefix)) return false;
    const frame = decodeFrame(bytes, this.#prefix);
    if (this.#isOver) {
      // Whoever has opened it would wait for ever.
      if (frame?.kind === FrameKind.open) this.#refuse(frame.number, "no channels are taken here any more");
    } else if (frame === undefined || !this.#receive(frame)) this.#fail("a frame makes no sense");
    return true;
  }

  open(): Channel {
    const number = ++this.#lastOpened;
    const channel = this.#makeChannel(this.#opened, number);
    if (this.#isOver || !this.#send(FrameKind.open, number, NOTHING)) channel.end("the socket is closed");
    else this.#opened.channels.set(number, channel);
    return channel;
  }

  close(reason = "closed"): void {
    for (const { channels } of [this.#opened, this.#accepted]) {
      for (const channel of [...channels.values()]) channel.close(reason);
    }
    this.#isOver = true;
  }

  /** False: there is no such frame. */
  #receive({ kind, number, payload }: TaggedFrame): boolean {
    switch (kind) {
      case FrameKind.open:
        return this.#accept(number);
      case FrameKind.openerData:
        this.#accepted.channels.get(number)?.receive(payload);
        return true;
      case FrameKind.acceptorData:
        this.#opened.channels.get(number)?.receive(payload);
        return true;
      case FrameKind.openerClose:
        endOne(this.#accepted, number, payload);
        return true;
      case FrameKind.acceptorClose:
        endOne(this.#opened, number, payload);
        return true;
      default:
        return false;
    }
  }

  /** False: the number was there before. */
  #accept(number: number): boolean {
    if (number <= this.#lastAccepted) return false;
    this.#lastAccepted = number;
    const { onChannel, maxChannels = 16 } = this.#options;
    const refusal =
      onChannel === undefined
        ? "no channels are taken here"
        : this.#accepted.channels.size >= maxChannels
          ? "too many channels"
          : undefined;
    if (refusal !== undefined) {
      this.#refuse(number, refusal);
      return true;
    }
    const channel = this.#makeChannel(this.#accepted, number);
    this.#accepted.channels.set(number, channel);
    onChannel?.(channel);
    return true;
  }

  /** Who opens channels and does not read must not fill the memory with answers. */
  #refuse(number: number, reason: string): void {
    if ((this.#socket.bufferedAmount ?? 0) > this.#highWaterBytes) return;
    this.#send(FrameKind.acceptorClose, number, new TextEncoder().encode(reason));
  }

  #makeChannel(side: Side, number: number): SharedChannel {
    const { maxMessageBytes = 16 << 20, maxWaitingBytes = 16 << 20 } = this.#options;
    const clock = this.#options.clock ?? systemClock;
    return new SharedChannel({
      maxMessageBytes,
      maxWaitingBytes,
      sendData: (message) => this.#send(side.data, number, message),
      sendClose: (reason) => {
        side.channels.delete(number);
        this.#send(side.close, number, new TextEncoder().encode(reason.slice(0, MAX_REASON_LENGTH)));
      },
      watch: (onDrain) =>
        new SendWatch({
          highWaterBytes: this.#highWaterBytes,
          clock,
          waitingBytes: () => this.#socket.bufferedAmount ?? 0,
          onDrain,
        }),
    });
  }

  /** False: the socket does not take it, and everything is over. */
  #send(kind: FrameKind, number: number, payload: Uint8Array): boolean {
    const { readyState = OPEN } = this.#socket;
    if (readyState !== OPEN) return false;
    try {
      this.#socket.send(encodeFrame(this.#prefix, kind, number, payload));
      return true;
    } catch (error) {
      this.#end(`the socket does not take messages: ${String(error)}`);
      return false;
    }
  }

  /** The other end does not speak as we do. */
  #fail(reason: string): void {
    for (const { channels } of [this.#opened, this.#accepted]) {
      for (const channel of [...channels.values()]) channel.fail(reason);
    }
    this.#isOver = true;
  }

  #end(reason: string): void {
    this.#isOver = true;
    for (const { channels } of [this.#opened, this.#accepted]) {
      for (const channel of channels.values()) channel.end(reason);
      channels.clear();
    }
  }
}

function endOne(side: Side, number: number, payload: Uint8Array): void {
  const channel = side.channels.get(number);
  side.channels.delete(number);
  const reason = new TextDecoder().decode(payload.subarray(0, MAX_REASON_LENGTH * 3));
  channel?.end(reason === "" ? "the other end has closed the channel" : reason);
}
