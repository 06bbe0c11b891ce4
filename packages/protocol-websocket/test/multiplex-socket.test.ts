import type { Channel } from "@tributary/core";
import { SyncError } from "@tributary/core";
import { fuzzDecoder, mutateBytes } from "@tributary/testkit";
import { expect, test } from "vitest";
import { ManualLiveClock } from "../../../tests/support/manual-live-clock.js";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { type MultiplexOptions, multiplexSocket, type SocketMultiplexer } from "../src/index.js";
import { FakeSocket } from "./support/fake-socket.js";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

interface End {
  readonly socket: FakeSocket;
  readonly mux: SocketMultiplexer;
  readonly channels: Channel[];
}

function endOf(options: MultiplexOptions = {}): End {
  const [socket, channels] = [new FakeSocket(), [] as Channel[]];
  const mux = multiplexSocket(socket, { onChannel: (channel) => channels.push(channel), ...options });
  return { socket, mux, channels };
}

/** Brings all that was sent over; each frame is ours. */
function carry(...ends: readonly [End, End]): void {
  const [left, right] = ends;
  while (left.socket.sent.length + right.socket.sent.length > 0) {
    for (const frame of left.socket.sent.splice(0)) expect(right.mux.take(frame)).toBe(true);
    for (const frame of right.socket.sent.splice(0)) expect(left.mux.take(frame)).toBe(true);
  }
}

test("what is not ours is left to the app", () => {
  const { mux, socket } = endOf();
  const { mux: other, socket: otherSocket } = endOf({ tag: "tributary-2" });
  other.open();
  const frame = otherSocket.sent[0] as Uint8Array;
  const ours = Buffer.concat([Uint8Array.of(9), bytes("tributary")]);
  for (const [data, isBinary] of [
    ["tributary", true],
    [`${String.fromCharCode(9)}tributary`, true],
    [ours, false],
    [new Uint8Array(0), true],
    [bytes("tributary"), true],
    [ours.subarray(0, 9), true],
    [frame, true],
    [{ tributary: 9 }, true],
    [new Blob([ours]), true],
    [undefined, true],
  ] as const) {
    expect(mux.take(data, isBinary)).toBe(false);
  }
  expect(socket.sent).toEqual([]);
  expect(socket.closes).toEqual([]);
});

test("frames are as they are documented", () => {
  const { mux, socket } = endOf({ tag: "t1" });
  const channel = mux.open();
  channel.send(Uint8Array.of(0xaa, 0xbb));
  channel.close("bye");
  expect(socket.sent.map((frame) => Buffer.from(frame).toString("hex"))).toEqual([
    "0274310100000001",
    "0274310200000001aabb",
    `0274310400000001${Buffer.from("bye").toString("hex")}`,
  ]);
});

test("frames come as ArrayBuffer, as Buffer, and in fragments", async () => {
  const [left, right] = [endOf(), endOf()];
  const channel = left.mux.open();
  for (const text of ["a", "b", "c"]) channel.send(bytes(text));
  const [open, a, b, c] = left.socket.sent as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  expect(right.mux.take(open.buffer)).toBe(true);
  const { log, untilCount } = recordChannel(right.channels[0] as Channel);
  expect(right.mux.take(Buffer.from(a))).toBe(true);
  expect(right.mux.take([b.subarray(0, 3), b.subarray(3)])).toBe(true);
  expect(right.mux.take(new Uint8Array(c))).toBe(true);
  await untilCount(3);
  expect(log).toEqual(["message a", "message b", "message c"]);
});

test("a channel ends, and the next one has nothing of it; the socket stays", async () => {
  const [left, right] = [endOf(), endOf()];
  const first = left.mux.open();
  carry(left, right);
  const old = right.channels[0] as Channel;
  old.send(bytes("late"));
  first.close("enough");
  const second = left.mux.open();
  const { log, untilCount } = recordChannel(second);
  carry(left, right);
  const oldLog = recordChannel(old);
  right.channels[1]?.send(bytes("new"));
  carry(left, right);
  await untilCount(1);
  expect(log).toEqual(["message new"]);
  await oldLog.untilCount(1);
  expect(oldLog.log).toEqual(["close enough"]);
  expect([...left.socket.closes, ...right.socket.closes]).toEqual([]);
});

test("both ends may open channels", async () => {
  const [left, right] = [endOf(), endOf()];
  const [fromLeft, fromRight] = [left.mux.open(), right.mux.open()];
  carry(left, right);
  const records = [fromLeft, fromRight, left.channels[0] as Channel, right.channels[0] as Channel].map(
    recordChannel,
  );
  fromLeft.send(bytes("1"));
  fromRight.send(bytes("2"));
  left.channels[0]?.send(bytes("3"));
  right.channels[0]?.send(bytes("4"));
  carry(left, right);
  await Promise.all(records.map(({ untilCount }) => untilCount(1)));
  expect(records.map(({ log }) => log)).toEqual([["message 4"], ["message 3"], ["message 2"], ["message 1"]]);
});

test("an end that takes no channels, or no more of them, says so", async () => {
  const [left, right] = [endOf(), endOf({ maxChannels: 2 })];
  const channels = Array.from({ length: 3 }, () => left.mux.open());
  const refused = recordChannel(channels[2] as Channel);
  const unwanted = multiplexSocket(right.socket, { tag: "unwanted" });
  carry(left, right);
  await refused.untilCount(1);
  expect(refused.log).toEqual(["close too many channels"]);
  expect(right.channels).toHaveLength(2);
  channels[0]?.close();
  left.mux.open();
  carry(left, right);
  expect(right.channels).toHaveLength(3);

  const opener = endOf({ tag: "unwanted" });
  const lost = recordChannel(opener.mux.open());
  carry(opener, { ...right, mux: unwanted });
  await lost.untilCount(1);
  expect(lost.log).toEqual(["close no channels are taken here"]);
});

test("the end of the socket ends all channels, and further ones at once", async () => {
  const [left, right] = [endOf(), endOf()];
  const channels = [left.mux.open(), left.mux.open()];
  right.mux.open();
  carry(left, right);
  left.socket.end(1006);
  const later = left.mux.open();
  const records = [...channels, ...left.channels, later].map(recordChannel);
  await Promise.all(records.map(({ untilCount }) => untilCount(1)));
  for (const { log } of records) expect(log).toEqual(["close the socket is closed"]);
  for (const channel of channels) expect(channel.send(bytes("a"))).toBe("closed");
  expect(left.socket.sent).toEqual([]);
});

test("close ends the channels of both ends and leaves the socket", async () => {
  const [left, right] = [endOf(), endOf()];
  const own = recordChannel(left.mux.open());
  carry(left, right);
  const others = recordChannel(right.channels[0] as Channel);
  left.mux.close("the app is done with it");
  carry(left, right);
  await Promise.all([own.untilCount(1), others.untilCount(1)]);
  for (const { log } of [own, others]) expect(log).toEqual(["close the app is done with it"]);
  expect(left.socket.closes).toEqual([]);
});

test.each([
  ["cut short", "0274310100"],
  ["of an unknown kind", "0274310600000001"],
  ["that opens a channel again", "0274310100000001"],
])("a frame %s ends the channels, not the socket", async (_name, hex) => {
  const { mux, socket, channels } = endOf({ tag: "t1" });
  expect(mux.take(Buffer.from("0274310100000001", "hex"))).toBe(true);
  const { log, untilCount } = recordChannel(channels[0] as Channel);
  expect(mux.take(Buffer.from(hex, "hex"))).toBe(true);
  await untilCount(1);
  expect(log).toEqual(["close a frame makes no sense"]);
  expect(socket.closes).toEqual([]);
});

test("who speaks otherwise is told so, and is not left waiting afterwards", async () => {
  const [left, right] = [endOf(), endOf()];
  const records = [left.mux.open(), right.mux.open()].map(recordChannel);
  carry(left, right);
  right.mux.take(Buffer.concat([Uint8Array.of(9), bytes("tributary"), Uint8Array.of(6, 0, 0, 0, 1)]));
  const later = recordChannel(left.mux.open());
  carry(left, right);
  await Promise.all([...records, later].map(({ untilCount }) => untilCount(1)));
  expect(records.map(({ log }) => log)).toEqual(Array(2).fill(["close a frame makes no sense"]));
  expect(later.log).toEqual(["close no channels are taken here any more"]);
});

test("channels that are opened by somebody who does not read are not answered for ever", () => {
  const { mux, socket } = endOf({ tag: "t1", maxChannels: 0, highWaterBytes: 1_000 });
  socket.send = (data) => {
    socket.bufferedAmount += data.length;
  };
  for (let number = 1; number < 10_000; number++) {
    const frame = Buffer.from("0274310100000000", "hex");
    frame.writeUInt32BE(number, 4);
    expect(mux.take(frame)).toBe(true);
  }
  expect(socket.bufferedAmount).toBeLessThan(1_100);
});

test("messages that are too long, or wait for nobody, end their channel only", async () => {
  const [left, right] = [endOf(), endOf({ maxMessageBytes: 1_000, maxWaitingBytes: 2_000 })];
  const [long, unheard, good] = [left.mux.open(), left.mux.open(), left.mux.open()];
  const records = [long, unheard, good].map(recordChannel);
  carry(left, right);
  recordChannel(right.channels[0] as Channel);
  recordChannel(right.channels[2] as Channel);
  long.send(new Uint8Array(1_001));
  for (let count = 0; count < 3; count++) unheard.send(new Uint8Array(700));
  carry(left, right);
  right.channels[2]?.send(bytes("still here"));
  carry(left, right);
  await Promise.all(records.map(({ untilCount }) => untilCount(1)));
  expect(records.map(({ log }) => log)).toEqual([
    ["close a message of 1001 bytes is too long"],
    ["close nobody listens to what has come"],
    ["message still here"],
  ]);
});

test("a sender is told to wait while the socket is full, of whatever", async () => {
  const clock = new ManualLiveClock();
  const { mux, socket } = endOf({ clock, highWaterBytes: 100 });
  const channel = mux.open();
  const { log, untilCount } = recordChannel(channel);
  socket.bufferedAmount = 101;
  expect(channel.send(bytes("a"))).toBe("full");
  socket.bufferedAmount = 0;
  clock.advance(10);
  await untilCount(1);
  expect(log).toEqual(["drain"]);
  socket.bufferedAmount = 101;
  channel.send(bytes("b"));
  channel.close();
  expect(clock.timerCount).toBe(0);
});

test("send does not throw where the socket does", async () => {
  const { mux, socket } = endOf();
  const channel = mux.open();
  const { log, untilCount } = recordChannel(channel);
  socket.send = () => {
    throw new Error("not now");
  };
  expect(channel.send(bytes("a"))).toBe("closed");
  await untilCount(1);
  expect(log).toEqual(["close the socket does not take messages: Error: not now"]);
});

test.each(["", "x".repeat(65)])("%j is no tag", (tag) => {
  expect(() => multiplexSocket(new FakeSocket(), { tag })).toThrow(SyncError);
});

test("whatever comes with the tag, nothing is thrown and the socket stays open", () => {
  const valid = ["0100000001", "0200000001aabb", "0300000001", "0400000001", "0500000001cc"].map((hex) =>
    Buffer.from(hex, "hex"),
  );
  const prefix = Buffer.from("027431", "hex");
  const report = fuzzDecoder({
    name: "frames with a tag",
    count: 3_000,
    makeInput: (random) => mutateBytes(valid, random),
    decode: (input) => {
      const { mux, socket } = endOf({ tag: "t1" });
      mux.open();
      mux.take(Buffer.concat([prefix, Buffer.from("0100000001", "hex")]));
      expect(mux.take(Buffer.concat([prefix, input]))).toBe(true);
      expect(socket.closes).toEqual([]);
    },
    isExpectedError: () => false,
  });
  expect(report.accepted).toBe(3_000);
});
