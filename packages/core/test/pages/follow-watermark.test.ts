import { describe, expect, it } from "vitest";
import { followWatermark } from "../../src/pages/follow-watermark.js";
import { FrameIndex } from "../../src/pages/frame-index.js";

const SALTS = { salt1: 0xffff_ffff, salt2: 7 };
const watermark = { ...SALTS, frames: 3 };

function log(frames: number, salts: { salt1: number; salt2: number } = SALTS): FrameIndex {
  const header = {
    ...salts,
    bigEndianChecksums: false,
    pageSize: 4096,
    sequence: 0,
    checksum1: 0,
    checksum2: 0,
  };
  const index = new FrameIndex(header);
  const pageNumbers = Array.from({ length: frames }, (_, frame) => frame + 1);
  if (frames > 0)
    index.add([{ firstFrame: 1, pageNumbers, databaseSize: 9 }], { frames, checksum1: 0, checksum2: 0 });
  return index;
}
const restarted = { salt1: 0, salt2: 99 };
const other = { salt1: 5, salt2: 99 };

describe("the watermark", () => {
  it.each([
    ["stays in the same log", watermark, log(3), log(5), watermark],
    ["stays in a new process", watermark, undefined, log(5), watermark],
    ["is none while no log was known", undefined, undefined, log(5), undefined],
    ["is none after an empty log", undefined, log(0), log(5, other), undefined],
    ["is none in a log that had none", undefined, log(2), log(5), undefined],
    ["goes when a settled log is emptied", watermark, log(3), undefined, undefined],
    ["goes when a new process finds no log", watermark, undefined, undefined, undefined],
    ["goes when a settled log is restarted", watermark, log(3), log(1, restarted), undefined],
    ["goes when a new process finds it restarted", watermark, undefined, log(1, restarted), undefined],
  ])("%s", (_name, saved, before, after, expected) => {
    expect(followWatermark("replica.db", saved, before, after)).toEqual(expected);
  });

  it("goes when a settled log is followed by any other while the guard stands", () => {
    expect(followWatermark("replica.db", watermark, log(3), log(5, other), true)).toBeUndefined();
    for (const before of [log(4), undefined]) {
      expect(() => followWatermark("replica.db", watermark, before, log(5, other), true)).toThrow(
        expect.objectContaining({ code: "foreign-writer" }),
      );
    }
  });

  it.each([
    ["the log is shorter", watermark, log(3), log(2), "damaged-file"],
    ["it is shorter for a new process", watermark, undefined, log(2), "damaged-file"],
    ["touched frames are gone", watermark, log(4), undefined, "foreign-writer"],
    ["touched frames are gone from a restarted log", watermark, log(4), log(1, restarted), "foreign-writer"],
    ["touched frames of a first log are gone", undefined, log(1), undefined, "foreign-writer"],
    ["the log is another", watermark, log(3), log(5, other), "foreign-writer"],
    ["the log is another for a new process", watermark, undefined, log(5, other), "foreign-writer"],
  ])("cannot be told when %s", (_name, saved, before, after, code) => {
    expect(() => followWatermark("replica.db", saved, before, after)).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe("FrameIndex", () => {
  it("answers as of any commit", () => {
    const index = log(0);
    const point = (frames: number) => ({ frames, checksum1: 0, checksum2: 0 });
    index.add([{ firstFrame: 1, pageNumbers: [1, 5, 1], databaseSize: 5 }], point(3));
    index.add(
      [
        { firstFrame: 4, pageNumbers: [5], databaseSize: 4 },
        { firstFrame: 5, pageNumbers: [2, 5], databaseSize: 6 },
      ],
      point(6),
    );
    expect([
      index.frameOf(1),
      index.frameOf(5),
      index.frameOf(5, 4),
      index.frameOf(5, 3),
      index.frameOf(9),
    ]).toEqual([3, 6, 4, 2, 0]);
    expect([...index.pagesBetween(3)]).toEqual([5, 2]);
    expect([index.sizeAt(), index.sizeAt(4), index.sizeAt(3), index.sizeAt(0)]).toEqual([6, 4, 5, undefined]);
    expect([index.smallestSizeAfter(0), index.smallestSizeAfter(4), index.smallestSizeAfter(6)]).toEqual([
      4,
      6,
      Number.POSITIVE_INFINITY,
    ]);
    expect([
      index.isOneCommit(0, 3),
      index.isOneCommit(3, 4),
      index.isOneCommit(3, 6),
      index.isOneCommit(1, 3),
      index.isOneCommit(6, 7),
    ]).toEqual([true, true, false, false, false]);
  });
});
