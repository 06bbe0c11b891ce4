import { expect, test } from "vitest";
import { ManualLiveClock } from "../../../tests/support/manual-live-clock.js";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { toChannel } from "../src/index.js";
import { FakeSocket } from "./support/fake-socket.js";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

test("messages come as ArrayBuffer, and a sender is told to wait until half is sent", async () => {
  const [socket, clock] = [new FakeSocket(), new ManualLiveClock()];
  const channel = toChannel(socket, { highWaterBytes: 100, clock });
  expect(socket.binaryType).toBe("arraybuffer");
  const { log, untilCount } = recordChannel(channel);
  socket.receive(bytes("hello").buffer);
  expect(log).toEqual(["message hello"]);

  expect(channel.send(bytes("a"))).toBe("sent");
  socket.bufferedAmount = 101;
  expect(channel.send(bytes("b"))).toBe("full");
  socket.bufferedAmount = 51;
  clock.advance(1_000);
  expect(channel.send(bytes("c"))).toBe("full");
  socket.bufferedAmount = 50;
  clock.advance(10);
  await untilCount(2);
  expect(log).toEqual(["message hello", "drain"]);
  expect(clock.timerCount).toBe(0);
  expect(socket.sent).toHaveLength(3);
});

test("short messages that follow on one another go to the network together, long ones at once", async () => {
  const socket = new FakeSocket();
  const log: string[] = [];
  socket.send = (data: Uint8Array): void => void log.push(new TextDecoder().decode(data));
  const connection = { cork: () => void log.push("cork"), uncork: () => void log.push("uncork") };
  const channel = toChannel(socket, { connection });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  channel.send(bytes("a"));
  await Promise.resolve();
  channel.send(bytes("b"));
  await turn();
  expect(log.splice(0)).toEqual(["cork", "a", "b", "uncork"]);
  channel.send(bytes("c"));
  socket.bufferedAmount = 20_000;
  channel.send(bytes("d"));
  expect(log.splice(0)).toEqual(["cork", "c", "d", "uncork"]);
  await turn();
  expect(log).toEqual([]);
});

test("what is not binary ends the channel", async () => {
  const socket = new FakeSocket();
  const { log, untilCount } = recordChannel(toChannel(socket));
  socket.receive("text");
  socket.receive(bytes("later").buffer);
  await untilCount(1);
  expect(log).toEqual(["close a message is not binary"]);
  expect(socket.closes).toEqual([[1003, "a message is not binary"]]);
});

test("a message that is too long ends the channel", async () => {
  const socket = new FakeSocket();
  const { log, untilCount } = recordChannel(toChannel(socket, { maxMessageBytes: 10 }));
  socket.receive(new Uint8Array(10));
  socket.receive(new Uint8Array(11));
  await untilCount(2);
  expect(log[1]).toBe("close a message of 11 bytes is too long");
  expect(socket.closes[0]?.[0]).toBe(1009);
});

test("what waits for somebody to listen is bounded", async () => {
  const socket = new FakeSocket();
  const channel = toChannel(socket, { maxWaitingBytes: 1_000 });
  socket.receive(new Uint8Array(900));
  expect(socket.closes).toEqual([]);
  // An empty message takes memory too.
  socket.receive(new Uint8Array(0));
  expect(socket.closes[0]?.[0]).toBe(1009);
  const { log, untilCount } = recordChannel(channel);
  await untilCount(3);
  expect(log[2]).toBe("close nobody listens to what has come");
});

test.each([
  [1006, "", "close the connection was lost"],
  [1000, "", "close the other end has closed the socket"],
  [1013, "", "close the socket was closed with code 1013"],
  [1001, "going away", "close going away"],
])("an end with code %d and reason %j is told", async (code, reason, told) => {
  const [socket, clock] = [new FakeSocket(), new ManualLiveClock()];
  const channel = toChannel(socket, { clock, highWaterBytes: 1 });
  socket.bufferedAmount = 2;
  channel.send(bytes("a"));
  socket.end(code, reason);
  const { log, untilCount } = recordChannel(channel);
  await untilCount(1);
  expect(log).toEqual([told]);
  expect(channel.send(bytes("b"))).toBe("closed");
  expect(clock.timerCount).toBe(0);
});

test("the reason of an error is the reason of the end", async () => {
  const socket = new FakeSocket();
  const { log, untilCount } = recordChannel(toChannel(socket));
  socket.fail("Max payload size exceeded");
  socket.end(1006);
  await untilCount(1);
  expect(log).toEqual(["close Max payload size exceeded"]);
});

test("a socket that is closed already makes a channel that is", async () => {
  const socket = new FakeSocket();
  socket.readyState = 3;
  const channel = toChannel(socket);
  expect(channel.send(bytes("a"))).toBe("closed");
  const { log, untilCount } = recordChannel(channel);
  await untilCount(1);
  expect(log).toEqual(["close the socket is closed"]);
});

test("send does not throw where the socket does", async () => {
  const socket = new FakeSocket();
  socket.send = () => {
    throw new Error("not now");
  };
  const channel = toChannel(socket);
  const { log, untilCount } = recordChannel(channel);
  expect(channel.send(bytes("a"))).toBe("closed");
  await untilCount(1);
  expect(log).toEqual(["close the socket does not take messages: Error: not now"]);
  expect(socket.closes).toHaveLength(1);
});

test("a long reason is shortened to what a close frame holds, without half a character", () => {
  const socket = new FakeSocket();
  toChannel(socket).close("ä".repeat(100));
  expect(socket.closes).toEqual([[1000, "ä".repeat(61)]]);
});

test("a socket that lets programs use few codes is closed all the same", () => {
  const socket = new FakeSocket();
  const { closes } = socket;
  socket.close = (code?: number, reason?: string) => {
    if (code !== undefined && code !== 1000) throw new DOMException("InvalidAccessError");
    closes.push([code, reason]);
  };
  toChannel(socket, { maxMessageBytes: 1 });
  socket.receive(new Uint8Array(2));
  expect(closes).toEqual([[undefined, undefined]]);
});
