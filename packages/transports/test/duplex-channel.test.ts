import { Duplex, PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { ManualLiveClock } from "../../../tests/support/manual-live-clock.js";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { encodeClose } from "../src/frames.js";
import { createDuplexChannel } from "../src/index.js";

interface Ends {
  /** What comes, and what is sent. */
  readonly incoming: PassThrough;
  readonly outgoing: PassThrough;
  readonly stream: Duplex;
}

function streams(): Ends {
  const [incoming, outgoing] = [new PassThrough(), new PassThrough()];
  return { incoming, outgoing, stream: Duplex.from({ readable: incoming, writable: outgoing }) };
}

test("messages come byte by byte", async () => {
  const { incoming, stream } = streams();
  const { log, untilCount } = recordChannel(createDuplexChannel(stream));
  for (const byte of Buffer.from("000000000261620000000000", "hex")) incoming.write(Uint8Array.of(byte));
  await untilCount(2);
  expect(log).toEqual(["message ab", "message "]);
});

test("a message that is too long ends the channel, and the other end is told why", async () => {
  const { incoming, outgoing, stream } = streams();
  const { log, untilCount } = recordChannel(createDuplexChannel(stream, { maxMessageBytes: 100 }));
  incoming.write(Buffer.from("0000000065", "hex"));
  await untilCount(1);
  expect(log).toEqual(["close a message of 101 bytes is too long"]);
  const parts: Buffer[] = [];
  for await (const part of outgoing) parts.push(part);
  expect(Buffer.concat(parts).subarray(5).toString()).toBe("a message of 101 bytes is too long");
});

test.each([
  ["", "close the stream ended"],
  ["00000000", "close the stream ended in the middle of a message"],
  ["00000000036162", "close the stream ended in the middle of a message"],
])("a stream that ends after %j is told so", async (hex, told) => {
  const { incoming, stream } = streams();
  const { log, untilCount } = recordChannel(createDuplexChannel(stream));
  incoming.end(Buffer.from(hex, "hex"));
  await untilCount(1);
  expect(log).toEqual([told]);
});

test("a stream that fails is told so, and one that is gone already", async () => {
  const { stream } = streams();
  const channel = createDuplexChannel(stream);
  const { log, untilCount } = recordChannel(channel);
  stream.destroy(new Error("the cable is out"));
  await untilCount(1);
  expect(log).toEqual(["close the cable is out"]);
  const late = createDuplexChannel(stream);
  expect(late.send(Uint8Array.of(1))).toBe("closed");
  const lateLog = recordChannel(late);
  await lateLog.untilCount(1);
  expect(lateLog.log).toEqual(["close the stream is closed"]);
});

test("an end that was closed reads on, and cuts the stream off when the other one does not end", async () => {
  const clock = new ManualLiveClock();
  const { incoming, outgoing, stream } = streams();
  outgoing.resume();
  const channel = createDuplexChannel(stream, { clock, closeTimeoutMs: 500 });
  const { log, untilCount } = recordChannel(channel);
  channel.close("enough");
  await untilCount(1);
  for (let count = 0; count < 100; count++) incoming.write(new Uint8Array(10_000));
  expect(log).toEqual(["close enough"]);
  const closed = new Promise((resolve) => stream.once("close", resolve));
  clock.advance(499);
  expect(stream.destroyed).toBe(false);
  clock.advance(1);
  await closed;
  expect(clock.timerCount).toBe(0);
});

test.each([
  ["says that it ends", (incoming: PassThrough) => incoming.write(encodeClose("bye")), "close bye"],
  ["ends", (incoming: PassThrough) => incoming.end(), "close the stream ended"],
] as const)(
  "an end whose other end %s, but takes nothing any more, lets go of the stream",
  async (_name, end, told) => {
    const clock = new ManualLiveClock();
    const { incoming, stream } = streams();
    const channel = createDuplexChannel(stream, { clock, closeTimeoutMs: 500 });
    const { log, untilCount } = recordChannel(channel);
    // More than fits: nobody reads it.
    channel.send(new Uint8Array(1 << 20));
    end(incoming);
    await untilCount(1);
    expect(log).toEqual([told]);
    const closed = new Promise((resolve) => stream.once("close", resolve));
    clock.advance(500);
    await closed;
    expect(clock.timerCount).toBe(0);
  },
);
