import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../tests/support/temporary-directory.js";
import { formatLibsqlInfo, readLibsqlInfo } from "../src/mirror/libsql-info.js";
import { pull, run, setUp } from "./test-protocol.js";

/** Observed with npm `libsql` 0.5.29: durable frame, generation, hash. */
const VECTORS = [
  [0, 1, 3278479626],
  [2, 1, 2169284215],
  [3, 1, 1306961641],
  [4, 1, 1193521136],
  [0, 2, 3520859876],
  [1, 2, 494276218],
] as const;

describe("the metadata of a mirror", () => {
  it.each(VECTORS)(
    "of frame %i in generation %i is libSQL's, byte for byte",
    (durableFrame, generation, hash) => {
      const text = `{"hash":${hash},"version":0,"durable_frame_num":${durableFrame},"generation":${generation}}`;
      expect(formatLibsqlInfo({ durableFrame, generation })).toBe(text);
      const path = join(temporaryDirectory(), "info");
      writeFileSync(path, text);
      expect(readLibsqlInfo(path)).toEqual({ durableFrame, generation });
    },
  );

  it.each([
    ["a wrong hash", '{"hash":2169284216,"version":0,"durable_frame_num":2,"generation":1}'],
    ["version 1", '{"hash":2243904733,"version":1,"durable_frame_num":2,"generation":1}'],
    ["generation 0", '{"hash":2077607535,"version":0,"durable_frame_num":0,"generation":0}'],
    ["half of it", '{"hash":2169284215,"ver'],
    ["nothing", ""],
  ])("counts for nothing with %s", (_what, text) => {
    const path = join(temporaryDirectory(), "info");
    writeFileSync(path, text);
    expect(readLibsqlInfo(path)).toBeUndefined();
  });

  it("names the frames that the server has", async () => {
    const { server, protocol, mirrorPath } = await setUp();
    await run(protocol, "CREATE TABLE t (a)");
    await pull(protocol);
    const durableFrame = server.frames.length;
    expect(readFileSync(`${mirrorPath}-info`, "utf8")).toBe(
      formatLibsqlInfo({ generation: 1, durableFrame }),
    );
  });
});
