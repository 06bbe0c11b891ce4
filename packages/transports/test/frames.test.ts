import { createRandom, fuzzDecoder, mutateBytes } from "@tributary/testkit";
import { expect, test } from "vitest";
import { decodeReason, encodeClose, encodeFrame, FrameDecoder, FrameKind } from "../src/frames.js";

const message = (text: string): Uint8Array => encodeFrame(FrameKind.message, Buffer.from(text));

/** What a decoder finds, as text. */
function decoded(pieces: readonly Uint8Array[], maxMessageBytes = 1_000): string[] {
  const log: string[] = [];
  const decoder = new FrameDecoder(maxMessageBytes, {
    onFrame: (kind, payload) => {
      log.push(`${kind === FrameKind.message ? "message" : "close"} ${Buffer.from(payload).toString()}`);
      return kind === FrameKind.message;
    },
    onDamage: (reason) => void log.push(`damage ${reason}`),
  });
  for (const piece of pieces) decoder.push(piece);
  return decoder.isInFrame ? [...log, "in a frame"] : log;
}

test("frames are as they are documented", () => {
  expect(Buffer.from(message("ab")).toString("hex")).toBe("00000000026162");
  expect(Buffer.from(encodeClose("bye")).toString("hex")).toBe("0100000003627965");
});

test("frames are found however they are cut", () => {
  const whole = Buffer.concat([message("a"), message(""), message("x".repeat(300)), encodeClose("bye")]);
  const found = ["message a", "message ", `message ${"x".repeat(300)}`, "close bye"];
  expect(decoded([whole])).toEqual(found);
  expect(decoded([...whole].map((byte) => Uint8Array.of(byte)))).toEqual(found);
  const random = createRandom(5);
  for (let round = 0; round < 50; round++) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < whole.length; ) {
      const end = at + random.below(20);
      pieces.push(whole.subarray(at, end));
      at = end;
    }
    expect(decoded(pieces)).toEqual(found);
  }
});

test("what is not whole, follows the end, is too long, or no frame", () => {
  expect(decoded([message("abc").subarray(0, 7)])).toEqual(["in a frame"]);
  expect(decoded([message("abc").subarray(0, 3)])).toEqual(["in a frame"]);
  expect(decoded([encodeClose(""), message("late")])).toEqual(["close "]);
  expect(decoded([message("12345"), message("x")], 4)).toEqual(["damage a message of 5 bytes is too long"]);
  expect(decoded([Buffer.from("0200000000", "hex")])).toEqual(["damage what came is no frame"]);
});

test("a long reason is shortened, none is replaced", () => {
  expect(encodeClose("x".repeat(5_000))).toHaveLength(5 + 1024);
  expect(decodeReason(new Uint8Array())).toBe("the other end has closed the channel");
});

test("lengths that are only claimed take no memory, and nothing is thrown", () => {
  const corpus = [Buffer.concat([message("a"), message("bcd"), encodeClose("bye")])];
  const report = fuzzDecoder({
    name: "frames",
    count: 3_000,
    makeInput: (random) => mutateBytes(corpus, random),
    decode: (input) => decoded([input], 2 ** 32),
    isExpectedError: () => false,
  });
  expect(report.accepted).toBe(3_000);
});

test("a message that comes byte by byte is kept as one piece", () => {
  const length = 400_000;
  let came: unknown;
  const decoder = new FrameDecoder(length, {
    onFrame: (_kind, payload) => {
      came = payload;
      return true;
    },
    onDamage: (reason) => expect.fail(reason),
  });
  const frame = encodeFrame(FrameKind.message, new Uint8Array(length).fill(7));
  const before = process.memoryUsage().heapUsed;
  for (const byte of frame.subarray(0, -1)) decoder.push(Uint8Array.of(byte));
  // An object for each byte would be some 80 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50e6);
  decoder.push(frame.subarray(-1));
  expect(Buffer.compare(came as Uint8Array, frame.subarray(5))).toBe(0);
  expect((came as Uint8Array).buffer.byteLength).toBe(length);
});
