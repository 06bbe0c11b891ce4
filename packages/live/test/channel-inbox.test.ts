import { expect, test } from "vitest";
import { ChannelInbox, type ChannelInboxOptions } from "../src/index.js";

interface Heard {
  readonly inbox: ChannelInbox;
  readonly log: string[];
  listen(): void;
}

function inboxOf(options?: ChannelInboxOptions): Heard {
  const inbox = new ChannelInbox(options);
  const log: string[] = [];
  const listen = (): void =>
    inbox.listen({
      onMessage: ([first]) => void log.push(`message ${first}`),
      onDrain: () => void log.push("drain"),
      onClose: (reason) => void log.push(`close ${reason}`),
    });
  return { inbox, log, listen };
}

/** Enough microtasks for all that is due. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("messages come at once where nothing waits, else in order, later", async () => {
  const { inbox, log, listen } = inboxOf();
  inbox.push(Uint8Array.of(1));
  listen();
  inbox.push(Uint8Array.of(2));
  expect(log).toEqual([]);
  await settled();
  inbox.push(Uint8Array.of(3));
  expect(log).toEqual(["message 1", "message 2", "message 3"]);
});

test("a deferred inbox delivers nothing in the turn of push", async () => {
  const taken: number[] = [];
  const { inbox, log, listen } = inboxOf({
    isDeferred: true,
    onTaken: ([first]) => taken.push(first as number),
  });
  listen();
  for (let count = 0; count < 3_000; count++) inbox.push(Uint8Array.of(count % 256));
  expect([log.length, inbox.waitingBytes]).toEqual([0, 3_000 * 65]);
  await settled();
  expect([log.length, taken.length, inbox.waitingBytes]).toEqual([3_000, 3_000, 0]);
  expect(log[2_999]).toBe(`message ${2_999 % 256}`);
});

test("the other end's end comes after what came before it, the owner's before", async () => {
  const other = inboxOf();
  const own = inboxOf();
  for (const { inbox } of [other, own]) {
    inbox.push(Uint8Array.of(1));
    inbox.drain();
  }
  other.inbox.end("theirs");
  own.inbox.close("ours");
  own.inbox.end("late");
  for (const { inbox, listen } of [other, own]) {
    listen();
    inbox.push(Uint8Array.of(2));
  }
  expect([...other.log, ...own.log]).toEqual([]);
  await settled();
  expect(other.log).toEqual(["message 1", "close theirs"]);
  expect(own.log).toEqual(["close ours"]);
});

test("an owner that closes while the other end's end is due is told that one's reason", async () => {
  const { inbox, log, listen } = inboxOf();
  inbox.push(Uint8Array.of(1));
  inbox.end("theirs");
  inbox.close("ours");
  listen();
  await settled();
  expect(log).toEqual(["close theirs"]);
});

test("a drain before somebody listens is told then, once", async () => {
  const { inbox, log, listen } = inboxOf();
  inbox.drain();
  inbox.drain();
  listen();
  await settled();
  inbox.drain();
  expect(log).toEqual(["drain"]);
  await settled();
  expect(log).toEqual(["drain", "drain"]);
});
