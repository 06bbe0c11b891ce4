import { describe, expect, it } from "vitest";
import { formatWalHeader, parseWalHeader, type WalHeaderFields } from "../../src/sqlite-format/wal-header.js";

const FIELDS: WalHeaderFields = {
  bigEndianChecksums: false,
  pageSize: 4096,
  sequence: 3,
  salt1: 0xfffffffe,
  salt2: 0x80000001,
};

describe("a log header", () => {
  it.each([false, true])("is read as it was written, big-endian: %s", (bigEndianChecksums) => {
    const bytes = formatWalHeader({ ...FIELDS, bigEndianChecksums });
    expect(bytes.length).toBe(32);
    expect([bytes[0], bytes[1], bytes[2], bytes[3]]).toEqual([
      0x37,
      0x7f,
      0x06,
      bigEndianChecksums ? 0x83 : 0x82,
    ]);
    expect(parseWalHeader(bytes)).toMatchObject({ ...FIELDS, bigEndianChecksums });
  });

  it("does not count with any bit changed, or torn", () => {
    const bytes = formatWalHeader(FIELDS);
    for (let bit = 0; bit < 32 * 8; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >>> 3] = (changed[bit >>> 3] as number) ^ (1 << (bit & 7));
      expect(parseWalHeader(changed)).toBeUndefined();
    }
    for (let length = 0; length < 32; length++)
      expect(parseWalHeader(bytes.subarray(0, length))).toBeUndefined();
    expect(parseWalHeader(new Uint8Array(32))).toBeUndefined();
  });

  it.each([0, 256, 1000, 131_072])("does not count with pages of %i bytes", (pageSize) => {
    expect(parseWalHeader(formatWalHeader({ ...FIELDS, pageSize }))).toBeUndefined();
  });
});
