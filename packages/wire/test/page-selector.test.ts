import { decodePageSelector, encodePageRange, WireError } from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectValueOrWireError, junkLike } from "./junk.js";

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

// Made by roaring-wasm 1.1.0 (CRoaring).
const SPARSE = fromBase64("OjAAAAMAAAAAAAQAAQABAP//AAAgAAAAKgAAAC4AAAAAAAEABQD/D///AABwEf//");
const RUN = fromBase64("OzAAAAEAAOcDAQAAAOcD");
const MIXED = fromBase64(
  "OzADAAcAAPX/AQBxEQQAhxMGAAAAJQAAACsAAAA5AAAAPwAAAAEACgD1/wMAAABvEaCGAACihgAAAQAAAIcTgBo=",
);

const idsOf = (bytes: Uint8Array): number[] => [...decodePageSelector(bytes)];
const rangeOf = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

describe("decodePageSelector", () => {
  it("reads what CRoaring writes without runs", () => {
    expect(idsOf(SPARSE)).toEqual([0, 1, 5, 4095, 65535, 65536, 70000, 4294967295]);
  });

  it("reads what CRoaring writes with runs", () => {
    expect(idsOf(RUN)).toEqual(rangeOf(0, 1000));
  });

  it("reads what CRoaring writes with runs and arrays", () => {
    const ids = [...rangeOf(10, 70000), 100000, 100002, ...rangeOf(262144, 267144), 400000];
    expect(idsOf(MIXED)).toEqual(ids);
    const selector = decodePageSelector(MIXED);
    expect(selector.size).toBe(ids.length);
    expect(
      [9, 10, 69999, 70000, 100001, 100002, 267143, 267144, 400000, 400001].map((id) => selector.has(id)),
    ).toEqual([false, true, true, false, false, true, true, false, true, false]);
  });

  it("reads a bitmap container", () => {
    const ids = rangeOf(0, 65536).filter((id) => id % 3 === 0);
    const bytes = new Uint8Array(16 + 8192);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 12346, true);
    view.setUint32(4, 1, true);
    view.setUint16(10, ids.length - 1, true);
    view.setUint32(12, 16, true);
    for (const id of ids) bytes[16 + (id >> 3)] = (bytes[16 + (id >> 3)] as number) | (1 << (id & 7));
    const selector = decodePageSelector(bytes);
    expect([...selector]).toEqual(ids);
    expect([selector.size, selector.has(3), selector.has(4), selector.has(65535)]).toEqual([
      ids.length,
      true,
      false,
      true,
    ]);
    bytes[16] = 0;
    expect(() => decodePageSelector(bytes)).toThrow(WireError);
  });

  it("reads bytes that lie inside a larger buffer", () => {
    const large = new Uint8Array(RUN.length + 9);
    large.set(RUN, 3);
    expect(decodePageSelector(large.subarray(3, 3 + RUN.length)).size).toBe(1000);
  });

  it("tells page ids that are no ids from those that are", () => {
    const selector = decodePageSelector(encodePageRange(0, 2 ** 32));
    expect([selector.has(-1), selector.has(0.5), selector.has(2 ** 32), selector.has(2 ** 32 - 1)]).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it.each([
    ["nothing", ""],
    ["another cookie", "0000000000000000"],
    ["a count of containers that the bytes do not hold", "3a300000ffff0000"],
    ["more containers than there are keys", "3a300000ffffffff"],
    ["an array out of order", "3a30000001000000" + "00000100" + "10000000" + "05000400"],
    [
      "containers out of order",
      "3b300100" + "03" + "01000000" + "00000000" + "010000000000" + "010000000000",
    ],
    ["runs out of order", "3b300000" + "01" + "00000300" + "0200" + "05000100" + "05000100"],
    ["a run past the end of its container", "3b300000" + "01" + "00000300" + "0100" + "ffff0300"],
    ["a wrong number of values", "3b300000" + "01" + "00000400" + "0100" + "00000300"],
    ["a rest", "3a30000000000000" + "00"],
  ])("refuses %s", (_what, hex) => {
    expect(() => decodePageSelector(Buffer.from(hex, "hex"))).toThrow(WireError);
  });

  it("gives a value or a WireError for junk", () => {
    for (const good of [SPARSE, RUN, MIXED]) {
      fc.assert(
        fc.property(junkLike(good), (bytes) =>
          expectValueOrWireError(() => {
            const selector = decodePageSelector(bytes);
            let count = 0;
            let last = -1;
            selector.forEach((id) => {
              expect(id).toBeGreaterThan(last);
              last = id;
              count++;
            });
            expect(count).toBe(selector.size);
          }),
        ),
        { numRuns: 300 },
      );
    }
  });
});

describe("encodePageRange", () => {
  it("writes what CRoaring writes", () => {
    expect(encodePageRange(0, 1000)).toEqual(RUN);
  });

  it("holds just the ids of the range", () => {
    const edges = fc.oneof(
      fc.nat({ max: 400_000 }),
      fc.constantFrom(0, 65535, 65536, 65537, 131072, 2 ** 32 - 1, 2 ** 32),
    );
    fc.assert(
      fc.property(edges, fc.nat({ max: 300_000 }), (from, length) => {
        const to = Math.min(from + length, 2 ** 32);
        const selector = decodePageSelector(encodePageRange(from, to));
        expect(selector.size).toBe(to - from);
        expect([from - 1, from, to - 1, to].map((id) => selector.has(id))).toEqual([
          false,
          to > from,
          to > from,
          false,
        ]);
      }),
    );
  });

  it.each([
    [5, 4],
    [-1, 4],
    [0, 2 ** 32 + 1],
    [0.5, 4],
  ])("refuses %d to %d", (from, to) => {
    expect(() => encodePageRange(from, to)).toThrow(WireError);
  });
});
