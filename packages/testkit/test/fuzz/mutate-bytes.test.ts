import { createRandom, mutateBytes, mutateJson } from "@tributary/testkit";
import { describe, expect, it } from "vitest";

const CORPUS = [Uint8Array.from({ length: 40 }, (_, index) => index + 1), Buffer.from([7, 7, 7])];
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const mutations = (count: number): string[] =>
  Array.from({ length: count }, (_, seed) => hexOf(mutateBytes(CORPUS, createRandom(seed))));

describe("mutateBytes", () => {
  it("makes the same of the same seed, and leaves the corpus alone", () => {
    const before = CORPUS.map(hexOf);
    expect(mutations(500)).toEqual(mutations(500));
    expect(CORPUS.map(hexOf)).toEqual(before);
  });

  it("makes inputs that differ", () => {
    expect(new Set(mutations(2000)).size).toBeGreaterThan(800);
  });

  it.each([
    ["a byte of 0xff in place of one", /^0102030405(06)?ff/],
    ["32 bits, little-endian", /ffffff7f/],
    ["32 bits, big-endian", /7fffffff/],
    ["64 bits", /8000000000000000/],
    ["a varint of 64 bits", /ffffffffffffffffff01/],
    ["a varint with bytes that add nothing", /80808080808080808000/],
    ["a truncated message", /^(..){1,20}$/],
    ["a longer message", /2728(ff){5}/],
    ["a slice twice", /0708(..)*0708/],
    ["slices in another place", /^0102(?!03)(..)*2728(?!$)(..)*03/],
    ["the start of one and the end of the other", /^01020304050607+$/],
  ])("makes %s", (_what, pattern) => {
    expect(mutations(50_000).some((hex) => pattern.test(hex))).toBe(true);
  });
});

describe("mutateJson", () => {
  const corpus = [{ type: "a", list: [1, { b: "c" }], deep: { x: null } }, [1, 2, 3]];

  it("makes the same of the same seed, and leaves the corpus alone", () => {
    const before = JSON.stringify(corpus);
    const all = (): string[] =>
      Array.from({ length: 1000 }, (_, seed) => JSON.stringify(mutateJson(corpus, createRandom(seed))) ?? "");
    expect(all()).toEqual(all());
    expect(new Set(all()).size).toBeGreaterThan(500);
    expect(JSON.stringify(corpus)).toBe(before);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});
