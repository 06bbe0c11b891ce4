import { describe, expect, it } from "vitest";
import { WalChecksum } from "../../src/sqlite-format/wal-checksum.js";
import { createRandom } from "../pages/support/random.js";

/** The algorithm as SQLite's documentation states it, byte by byte. */
function reference(bytes: Uint8Array, bigEndian: boolean): [number, number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [first, second] = [0, 0];
  for (let at = 0; at < bytes.length; at += 8) {
    first = (first + view.getUint32(at, !bigEndian) + second) >>> 0;
    second = (second + view.getUint32(at + 4, !bigEndian) + first) >>> 0;
  }
  return [first, second];
}

describe.each([false, true])("WalChecksum, big-endian words: %s", (bigEndian) => {
  it("is SQLite's at any alignment, whole or in pieces", () => {
    const random = createRandom(5);
    const buffer = Uint8Array.from({ length: 4096 + 8 }, () => random(256));
    for (let shift = 0; shift < 8; shift++) {
      const bytes = buffer.subarray(shift, shift + 4096);
      const whole = new WalChecksum(bigEndian);
      whole.update(bytes);
      expect([whole.first, whole.second]).toEqual(reference(bytes, bigEndian));
      const pieces = new WalChecksum(bigEndian);
      pieces.update(bytes, 0, 1000);
      const rest = new WalChecksum(bigEndian, pieces.first, pieces.second);
      rest.update(bytes, 1000);
      expect([rest.first, rest.second]).toEqual([whole.first, whole.second]);
    }
  });

  it("refuses to read beyond the bytes", () => {
    expect(() => new WalChecksum(bigEndian).update(new Uint8Array(8), 0, 16)).toThrow(RangeError);
  });
});
