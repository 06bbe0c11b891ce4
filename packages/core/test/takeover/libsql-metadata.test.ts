import { describe, expect, test } from "vitest";
import { readLibsqlMetadata } from "../../src/takeover/libsql-metadata.js";

const read = (text: string) => readLibsqlMetadata(new TextEncoder().encode(text));
const known = (durableFrames: number, generation: number, mended = false) => ({
  type: "known",
  metadata: { durableFrames, generation },
  mended,
});

/** Observed with npm `libsql` 0.5.29. */
const VECTORS = [
  [0, 1, 3278479626],
  [2, 1, 2169284215],
  [3, 1, 1306961641],
  [4, 1, 1193521136],
  [0, 2, 3520859876],
  [1, 2, 494276218],
] as const;

describe("the metadata of libSQL's client", () => {
  test.each(VECTORS)("durable frame %i of generation %i has the hash %i", (frames, generation, hash) => {
    const text = `{"hash":${hash},"version":0,"durable_frame_num":${frames},"generation":${generation}}`;
    expect(read(text)).toEqual(known(frames, generation));
    expect(read(text.replace(String(hash), String(hash ^ 6)).replace("-", ""))).not.toMatchObject({
      mended: false,
    });
  });

  test("is read in any order, with space and keys that nobody knows", () => {
    const text = '{ "generation": 1, "more": [1], "durable_frame_num":2,\n "version":0, "hash":2169284215 }';
    expect(read(text)).toEqual(known(2, 1));
  });

  test("is mended where any one byte is wrong, whatever is in its place", () => {
    const text = '{"hash":2169284215,"version":0,"durable_frame_num":2,"generation":1}';
    for (let at = 0; at < text.length; at++) {
      for (const wrong of [0x00, 0x20, 0x39, 0xff]) {
        const bytes = new TextEncoder().encode(text);
        if (bytes[at] === wrong) continue;
        bytes[at] = wrong;
        expect(readLibsqlMetadata(bytes), `byte ${at} = ${wrong}`).toMatchObject({
          type: "known",
          metadata: { durableFrames: 2, generation: 1 },
        });
      }
    }
  });

  test.each([
    ["of another version", '{"hash":451537432,"version":1,"durable_frame_num":2,"generation":1}'],
    ["of generation 0", '{"hash":2077607535,"version":0,"durable_frame_num":0,"generation":0}'],
    ["with two wrong digits", '{"hash":2169284999,"version":0,"durable_frame_num":2,"generation":1}'],
    ["cut off", '{"hash":2169284215,"version":0,"dura'],
    ["with a number that is none", '{"hash":2169284215,"version":0,"durable_frame_num":-22,"generation":1}'],
  ])("%s is libSQL's, but not to be relied on", (_what, text) => {
    expect(read(text)).toEqual({ type: "unreliable" });
  });

  test.each([
    ["nothing", ""],
    ["zeros", "\0".repeat(70)],
    ["JSON that is no object", "null"],
    ["another program's", '{"version":"v1","client_unique_id":"x"}'],
    ["a long text", "x".repeat(100_000)],
  ])("%s is foreign", (_what, text) => {
    expect(read(text)).toEqual({ type: "foreign" });
  });
});
