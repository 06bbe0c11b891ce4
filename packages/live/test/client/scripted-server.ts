import {
  decodeLiveClientMessage,
  encodeLiveMessage,
  type LiveClientMessage,
  type LiveServerMessage,
} from "@tributary/wire";
import { onTestFinished } from "vitest";
import { createLiveClient, type LiveClient, type LiveClientOptions } from "../../src/index.js";
import { createChannelPair, type PairEnd } from "./channel-pair.js";
import { TestClock } from "./test-clock.js";

type Message<T extends LiveClientMessage["type"]> = Extract<LiveClientMessage, { type: T }>;
type Welcome = Extract<LiveServerMessage, { type: "welcome" }>;
type Failed = Extract<LiveServerMessage, { type: "failed" }>;

const WELCOME: Welcome = {
  type: "welcome",
  expiresInMs: undefined,
  keepAliveMs: 1_000_000,
  maxMessageBytes: 1024 * 1024,
};

export const PAGE = 4096;

/** One channel, at the server's end. What it answers is up to the test. */
export class ScriptedChannel {
  readonly end: PairEnd;
  /** All that came, in order. */
  readonly messages: LiveClientMessage[] = [];
  closeReason: string | undefined;
  readonly #untaken: LiveClientMessage[] = [];
  #arrived: () => void = () => {};

  constructor(end: PairEnd) {
    this.end = end;
    end.listen({
      onMessage: (bytes) => {
        const message = decodeLiveClientMessage(bytes);
        this.messages.push(message);
        this.#untaken.push(message);
        this.#arrived();
      },
      onDrain: () => {},
      onClose: (reason) => {
        this.closeReason = reason;
      },
    });
  }

  send(...messages: readonly LiveServerMessage[]): void {
    for (const message of messages) this.end.send(encodeLiveMessage(message));
  }

  /** The next message of that type that was not taken yet; waits for it. */
  async take<T extends LiveClientMessage["type"]>(type: T): Promise<Message<T>> {
    for (;;) {
      const index = this.#untaken.findIndex((message) => message.type === type);
      if (index !== -1) return this.#untaken.splice(index, 1)[0] as Message<T>;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  count(type: LiveClientMessage["type"]): number {
    return this.messages.filter((message) => message.type === type).length;
  }

  /** Says hello and welcome. */
  async greet(welcome: Partial<Welcome> = {}): Promise<Message<"hello">> {
    const hello = await this.take("hello");
    this.send({ ...WELCOME, ...welcome });
    return hello;
  }

  /** Lets a subscription be opened. */
  async open(): Promise<Message<"open">> {
    const open = await this.take("open");
    this.send({ type: "opened", sub: open.sub });
    return open;
  }

  /** Answers a pull: with these pages of a database of 100, or with nothing. */
  answer({ sub, pull, clientRevision }: Message<"pull">, revision?: string, pageIds: number[] = []): void {
    const name = revision ?? clientRevision ?? "";
    this.send({ type: "header", sub, pull, revision: name, databaseSize: 100 });
    if (pageIds.length > 0) this.pages(sub, pull, pageIds);
    this.send({ type: "end", sub, pull });
  }

  pages(sub: number, pull: number, pageIds: number[]): void {
    const bytes = new Uint8Array(pageIds.length * PAGE).map(
      (_, at) => (pageIds[Math.floor(at / PAGE)] ?? 0) % 251,
    );
    this.send({ type: "pages", sub, pull, pageIds: Uint32Array.from(pageIds), bytes });
  }

  fail(sub: number, request: number, status: number, code = "some-code", message = "no"): void {
    const failed: Failed = { type: "failed", sub, request, status, code, message, retryAfterMs: undefined };
    this.send(failed);
  }
}

/** A client whose server is the test. */
export class ScriptedServer {
  readonly clock = new TestClock();
  readonly channels: ScriptedChannel[] = [];
  readonly client: LiveClient;
  /** The client's ends. */
  readonly ends: PairEnd[] = [];
  #connected: () => void = () => {};
  #taken = 0;

  constructor(options: Partial<LiveClientOptions> = {}) {
    this.client = createLiveClient({
      connect: async () => {
        const [left, right] = createChannelPair();
        this.ends.push(left);
        this.channels.push(new ScriptedChannel(right));
        this.#connected();
        return left;
      },
      endpoint: "test:server",
      clock: this.clock,
      timeoutMs: 1_000,
      ...options,
    });
    onTestFinished(() => this.client.close());
  }

  /** The next channel that the client makes; waits for it. */
  async channel(): Promise<ScriptedChannel> {
    while (this.channels.length <= this.#taken) {
      await new Promise<void>((resolve) => {
        this.#connected = resolve;
      });
    }
    return this.channels[this.#taken++] as ScriptedChannel;
  }

  /** The next channel, welcomed, with one subscription that is open. */
  async open(welcome: Partial<Welcome> = {}): Promise<ScriptedChannel> {
    const channel = await this.channel();
    await channel.greet(welcome);
    await channel.open();
    return channel;
  }
}
