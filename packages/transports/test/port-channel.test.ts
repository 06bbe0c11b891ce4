import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { createPortChannel } from "../src/index.js";

test("a message that is not the channel's ends it", async () => {
  const { port1, port2 } = new MessageChannel();
  const { log, untilCount } = recordChannel(createPortChannel(port1));
  port2.postMessage({ hello: "there" });
  await untilCount(1);
  expect(log).toEqual(["close a message is not the channel's"]);
});

test("a part of a larger buffer takes nothing else along", async () => {
  const { port1, port2 } = new MessageChannel();
  const channel = createPortChannel(port1);
  const secret = Buffer.from("before message after");
  const came = once(port2, "message");
  channel.send(secret.subarray(7, 14));
  const [[message]] = [(await came) as [Uint8Array]];
  expect(Buffer.from(message.buffer as ArrayBuffer).toString()).toBe("message");
  expect(secret.toString()).toBe("before message after");
  channel.close();
});

test("another thread answers, and its end is told", async () => {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     parentPort.on("message", (data) => { if (data instanceof Uint8Array) parentPort.postMessage(data.reverse()); });`,
    { eval: true },
  );
  const channel = createPortChannel(worker);
  const { log, untilCount } = recordChannel(channel);
  channel.send(Buffer.from("abc"));
  await untilCount(1);
  expect(log).toEqual(["message cba"]);
  await worker.terminate();
  await untilCount(2);
  expect(log[1]).toBe("close the port is gone");
  expect(channel.send(Buffer.from("x"))).toBe("closed");
});

test("a worker's scope is not closed with its channel", async () => {
  let closes = 0;
  const scope = Object.assign(new EventTarget(), {
    postMessage() {},
    close: () => {
      closes++;
    },
  });
  const channel = createPortChannel(scope as never);
  const { untilCount } = recordChannel(channel);
  channel.close();
  await untilCount(1);
  expect(closes).toBe(0);
});

test("a message that cannot be read ends the channel, at both ends: what follows must not come without it", async () => {
  const { port1, port2 } = new MessageChannel();
  const [left, right] = [port1, port2].map((port) => recordChannel(createPortChannel(port)));
  port1.dispatchEvent(new Event("messageerror"));
  await Promise.all([left?.untilCount(1), right?.untilCount(1)]);
  expect([left?.log, right?.log]).toEqual(Array(2).fill(["close a message could not be read"]));
});

test.each([-1, Number.NaN, 1e9])("that %d bytes were taken makes no sense", async (taken) => {
  const { port1, port2 } = new MessageChannel();
  const channel = createPortChannel(port1);
  const { log, untilCount } = recordChannel(channel);
  channel.send(new Uint8Array(10));
  port2.postMessage(taken);
  await untilCount(1);
  expect(log).toEqual(["close a message is not the channel's"]);
});
