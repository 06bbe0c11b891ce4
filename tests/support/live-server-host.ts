import type { Channel, ChannelEvents } from "@tributary/core";
import {
  acceptLive,
  type LiveConnection,
  type LiveGrant,
  type LiveHost,
  type LiveLimits,
  type LivePull,
  type LivePullRequest,
  type LiveRefusal,
  type ReplicaEndpoint,
} from "@tributary/live";
import { createMemoryChannels } from "@tributary/transports";
import { onTestFinished } from "vitest";
import { ScriptedLiveClient } from "./live-server-client.js";
import { ManualLiveClock } from "./manual-live-clock.js";

/** A pull that a host was asked for, to be answered by the test. */
export interface FakePull {
  readonly request: LivePullRequest;
  answer(revision: string, pageCount: number): void;
  refuse(error: unknown): void;
  isClosed: boolean;
  /** Batches that were asked for. */
  read: number;
}

/** A push that a host was asked for, to be answered by the test. */
export interface FakePush {
  readonly text: string;
  readonly isContinued: boolean;
  answer(text: string): void;
  refuse(error: unknown): void;
}

const BATCH_PAGES = 64;

/** A database that answers when the test says so. */
export class FakeReplica implements ReplicaEndpoint {
  readonly pulls: FakePull[] = [];
  readonly pushes: FakePush[] = [];
  readonly onEnd: (refusal: LiveRefusal) => void;
  isClosed = false;

  constructor(onEnd: (refusal: LiveRefusal) => void) {
    this.onEnd = onEnd;
  }

  pull(request: LivePullRequest): Promise<LivePull> {
    return new Promise((resolve, reject) => {
      const pull: FakePull = {
        request,
        isClosed: false,
        read: 0,
        refuse: reject,
        answer: (revision, pageCount) => {
          let left = pageCount;
          resolve({
            revision,
            databaseSize: pageCount,
            next: () => {
              const count = Math.min(BATCH_PAGES, left);
              left -= count;
              pull.read += count;
              if (count === 0) return undefined;
              return { pageIds: new Uint32Array(count), bytes: new Uint8Array(count * 4096) };
            },
            close: () => {
              if (pull.isClosed) throw new Error("closed twice");
              pull.isClosed = true;
            },
          });
        },
      };
      request.signal.addEventListener("abort", () => pull.answer("too late", 0));
      this.pulls.push(pull);
    });
  }

  push(body: Uint8Array, isContinued: boolean): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const answer = (text: string): void => resolve(Buffer.from(text));
      this.pushes.push({ text: Buffer.from(body).toString(), isContinued, answer, refuse: reject });
    });
  }

  close(): void {
    if (this.isClosed) throw new Error("closed twice");
    this.isClosed = true;
  }
}

/** A host that lets everybody in, and what it was asked for. */
export class FakeLiveHost implements LiveHost {
  readonly clock = new ManualLiveClock();
  readonly limits: LiveLimits;
  readonly tokens: (string | undefined)[] = [];
  readonly replicas: FakeReplica[] = [];
  readonly streams: Channel[] = [];
  readonly closes: unknown[] = [];
  grant: LiveGrant | Promise<LiveGrant> = { expiresAt: undefined };
  /** Where it is set, opening takes until it settles. */
  opening: Promise<unknown> | undefined;

  constructor(limits: Partial<LiveLimits>) {
    this.limits = {
      helloTimeoutMs: 1_000,
      keepAliveMs: 10_000,
      maxMessageBytes: 100_000,
      maxSubscriptions: 4,
      maxPulls: 2,
      stallTimeoutMs: 5_000,
      ...limits,
    };
  }

  async authenticate(token: string | undefined): Promise<LiveGrant> {
    this.tokens.push(token);
    return await this.grant;
  }

  async openReplica(_database: string, onEnd: (refusal: LiveRefusal) => void): Promise<ReplicaEndpoint> {
    await this.opening;
    const replica = new FakeReplica(onEnd);
    this.replicas.push(replica);
    return replica;
  }

  async openStream(_database: string, channel: Channel): Promise<void> {
    this.streams.push(channel);
    await this.opening;
  }

  onClose(error: unknown): void {
    this.closes.push(error);
  }
}

/** A channel that says it is full after each message, until it is told to drain. */
export class NarrowChannel implements Channel {
  readonly #channel: Channel;
  #events: ChannelEvents | undefined;
  isNarrow = false;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  drain(): void {
    this.#events?.onDrain();
  }

  listen(events: ChannelEvents): void {
    this.#events = events;
    this.#channel.listen(events);
  }

  send(message: Uint8Array): ReturnType<Channel["send"]> {
    const outcome = this.#channel.send(message);
    return this.isNarrow && outcome === "sent" ? "full" : outcome;
  }

  close(reason?: string): void {
    this.#channel.close(reason);
  }
}

/** A channel that is served. When the test has finished, nothing of it must be left. */
export function serveLive(limits: Partial<LiveLimits> = {}): {
  client: ScriptedLiveClient;
  host: FakeLiveHost;
  connection: LiveConnection;
  channel: NarrowChannel;
} {
  const [left, right] = createMemoryChannels();
  const host = new FakeLiveHost(limits);
  const channel = new NarrowChannel(right);
  const connection = acceptLive(channel, host);
  const client = new ScriptedLiveClient(left);
  onTestFinished(async () => {
    connection.close("the test is over");
    await client.heard();
    if (host.closes.length !== 1) throw new Error(`onClose was called ${host.closes.length} times`);
    if (host.clock.timerCount > 0) throw new Error("a channel has left a timer");
    if (host.replicas.some(({ isClosed }) => !isClosed)) throw new Error("a channel has left a database");
    const left = host.replicas.flatMap(({ pulls }) => pulls).some((pull) => !pull.isClosed && pull.read > 0);
    if (left) throw new Error("a channel has left a pull");
  });
  return { client, host, connection, channel };
}

/** The same, after a hello, with that many databases open, numbered from 1. */
export async function serveOpen(count = 1, limits: Partial<LiveLimits> = {}) {
  const served = serveLive(limits);
  served.client.hello();
  for (let sub = 1; sub <= count; sub++) served.client.open(sub);
  await served.client.heard();
  const [replica] = served.host.replicas;
  if (replica === undefined) throw new Error("nothing was opened");
  return { ...served, replica };
}
