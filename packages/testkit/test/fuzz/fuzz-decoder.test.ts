import { type createRandom, FuzzError, fuzzAsyncDecoder, fuzzDecoder, mutateBytes } from "@tributary/testkit";
import { describe, expect, it } from "vitest";

/** A length of 32 bits, then so many bytes. */
const GOOD = Uint8Array.of(4, 0, 0, 0, 1, 2, 3, 4);

class Refusal extends Error {}

function lengthOf(bytes: Uint8Array): number {
  if (bytes.length < 4) throw new Refusal();
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

const options = {
  name: "the decoder",
  makeInput: (random: ReturnType<typeof createRandom>) => mutateBytes([GOOD], random),
  isExpectedError: (error: unknown) => error instanceof Refusal,
  count: 20_000,
  maxMilliseconds: 100,
  replayCommand: (seed: number) => `replay ${seed}`,
};

function failureOf(decode: (bytes: Uint8Array) => unknown, more: object = {}): FuzzError {
  try {
    fuzzDecoder({ ...options, ...more, decode });
  } catch (error) {
    if (error instanceof FuzzError) return error;
    throw error;
  }
  throw new Error("the decoder passed");
}

describe("fuzzDecoder", () => {
  it("is content with a decoder that checks its lengths", () => {
    const report = fuzzDecoder({
      ...options,
      decode(bytes) {
        const length = lengthOf(bytes);
        if (length !== bytes.length - 4) throw new Refusal();
        return bytes.slice(4);
      },
    });
    expect(report.accepted).toBeGreaterThan(1000);
    expect(report.refused).toBeGreaterThan(1000);
    expect(report.accepted + report.refused).toBe(report.inputs);
  });

  it("finds another error, and tells how to see it again", () => {
    const decode = (bytes: Uint8Array): number =>
      new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
    const failure = failureOf(decode);
    expect(failure.problem.type).toBe("error");
    expect(failure.cause).toBeInstanceOf(RangeError);
    expect(failure.message).toMatch(
      /the decoder failed[\s\S]*seed \d+: \d bytes [0-9a-f]*\nreplay: replay \d+$/,
    );
    const again = failureOf(decode, { seed: failure.seed, count: 1 });
    expect(again.message).toBe(failure.message);
  });

  it.each([
    ["a buffer", (length: number) => new Uint8Array(length)],
    ["a buffer of 16 bits' length", (length: number) => new Uint8Array((length & 0xffff) * 256)],
    ["an array", (length: number) => new Array(Math.min(length, 1e6)).fill(0)],
    ["a string", (length: number) => Buffer.alloc(Math.min(length, 1e7)).toString("latin1")],
  ])("finds a decoder that makes %s of an unchecked length", (_what, make) => {
    const failure = failureOf(
      (bytes) => {
        const room = make(lengthOf(bytes));
        if (room.length !== bytes.length - 4) throw new Refusal();
        return room;
      },
      { maxMilliseconds: 1000 },
    );
    expect(failure.problem).toEqual({ type: "memory", bytes: expect.any(Number) });
  });

  it("finds a decoder that works as long as an unchecked length says", () => {
    const failure = failureOf((bytes) => {
      let sum = 0;
      for (let index = lengthOf(bytes); index > 0; index--) sum += index;
      return sum;
    });
    // Which of them depends on where in the run it was met.
    expect(["slow", "hang"]).toContain(failure.problem.type);
  });

  it("stops a decoder that has no end", () => {
    const failure = failureOf((bytes) => {
      // Two's complement: a length of −1 leads nowhere.
      for (let at = 0; at < bytes.length; at += (lengthOf(bytes) + 1) | 0);
    });
    expect(failure.problem.type).toBe("hang");
    expect(failure.message).toMatch(/replay \d+$/);
  });
});

describe("fuzzAsyncDecoder", () => {
  const decode = async (bytes: Uint8Array): Promise<number> => lengthOf(bytes);

  it("is content with a decoder that keeps to its error", async () => {
    const report = await fuzzAsyncDecoder({ ...options, count: 2000, decode });
    expect(report.accepted + report.refused).toBe(2000);
    expect(report.refused).toBeGreaterThan(0);
  });

  it.each([
    ["another error", "error", () => Promise.reject(new RangeError("other"))],
    ["no answer", "hang", () => new Promise(() => {})],
    ["a buffer too large", "memory", async () => new Uint8Array(2 ** 28)],
  ])("finds %s", async (_what, type, answer) => {
    const broken = async (bytes: Uint8Array): Promise<unknown> =>
      lengthOf(bytes) > 2 ** 31 ? answer() : undefined;
    await expect(
      fuzzAsyncDecoder({ ...options, maxMilliseconds: 200, count: 2000, decode: broken }),
    ).rejects.toMatchObject({ name: "FuzzError", problem: { type } });
  });
});
