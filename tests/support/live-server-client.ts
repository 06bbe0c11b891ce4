import type { Channel } from "@tributary/core";
import {
  decodeLiveServerMessage,
  encodeLiveMessage,
  LIVE_VERSION,
  type LiveClientMessage,
  type LiveServerMessage,
} from "@tributary/wire";

type MessageOf<Type extends LiveServerMessage["type"]> = Extract<LiveServerMessage, { type: Type }>;

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A client of the live protocol that does nothing by itself. */
export class ScriptedLiveClient {
  readonly channel: Channel;
  /** What came, and was not asked for yet. */
  #heard: LiveServerMessage[] = [];
  #onHeard: (() => void)[] = [];
  closeReason: string | undefined;

  constructor(channel: Channel) {
    this.channel = channel;
    channel.listen({
      onMessage: (bytes) => {
        this.#heard.push(decodeLiveServerMessage(bytes));
        this.#wake();
      },
      onDrain: () => {},
      onClose: (reason) => {
        this.closeReason = reason;
        this.#wake();
      },
    });
  }

  say(...messages: LiveClientMessage[]): void {
    for (const message of messages) this.channel.send(encodeLiveMessage(message));
  }

  hello(token?: string): void {
    this.say({ type: "hello", version: LIVE_VERSION, token, client: "test" });
  }

  open(sub: number, database = "", kind: "replica" | "stream" = "replica"): void {
    this.say({ type: "open", sub, kind, database });
  }

  pull(sub: number, pull: number, clientRevision?: string, more: Partial<PullMessage> = {}): void {
    this.say({ ...PULL, sub, pull, clientRevision, ...more });
  }

  /** What has come since it was asked for last, when nothing more comes by itself. */
  async heard(): Promise<LiveServerMessage[]> {
    await settle();
    return this.#heard.splice(0);
  }

  /** The next message, which must be of that type; pings are passed over. */
  async next<Type extends LiveServerMessage["type"]>(type: Type): Promise<MessageOf<Type>> {
    for (;;) {
      const message = this.#heard.shift();
      if (message === undefined) {
        if (this.closeReason !== undefined) throw new Error(`closed: ${this.closeReason}`);
        await new Promise<void>((resolve) => this.#onHeard.push(resolve));
      } else if (message.type === type) return message as MessageOf<Type>;
      else if (message.type !== "ping") throw new Error(`not ${type}: ${JSON.stringify(message)}`);
    }
  }

  /** The rest of a pull whose header has come: how many pages of each message. */
  async pages(): Promise<number[]> {
    const counts: number[] = [];
    for (;;) {
      await this.#some();
      if (this.#heard[0]?.type !== "pages") break;
      counts.push((await this.next("pages")).pageIds.length);
    }
    await this.next("end");
    return counts;
  }

  async #some(): Promise<void> {
    if (this.#heard.length === 0) await new Promise<void>((resolve) => this.#onHeard.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#onHeard.splice(0)) wake();
  }
}

type PullMessage = Extract<LiveClientMessage, { type: "pull" }>;

const PULL: PullMessage = {
  type: "pull",
  sub: 1,
  pull: 1,
  clientRevision: undefined,
  serverRevision: undefined,
  pages: undefined,
  waitMs: 60_000,
  credit: 1 << 30,
};

/** What was heard, in few words. */
export function outline(messages: readonly LiveServerMessage[]): string[] {
  return messages.map((message) => {
    switch (message.type) {
      case "failed":
        return `failed ${message.sub}/${message.request} ${message.status} ${message.code}`;
      case "opened":
        return `opened ${message.sub}`;
      case "header":
        return `header ${message.pull} ${message.revision}`;
      case "pages":
        return `pages ${message.pull} ${message.pageIds.length}`;
      case "end":
        return `end ${message.pull}`;
      case "pushed":
        return `pushed ${message.push} ${Buffer.from(message.body).toString()}`;
      case "data":
        return `data ${message.sub} ${Buffer.from(message.payload).toString()}`;
      default:
        return message.type;
    }
  });
}
