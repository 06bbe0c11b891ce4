/** How a byte changes the sum, where 0 to 3 more bytes follow it in the same step. */
const [LAST, SECOND_LAST, THIRD_LAST, FOURTH_LAST] = makeTables();

/**
 * CRC-32 (IEEE 802.3) of bytes; give the result of an earlier call as `seed` to go on from there. Takes four bytes at a
 * step, which is twice as fast as one by one.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  let index = 0;
  for (const end = bytes.length - 3; index < end; index += 4) {
    crc ^=
      (bytes[index] as number) |
      ((bytes[index + 1] as number) << 8) |
      ((bytes[index + 2] as number) << 16) |
      ((bytes[index + 3] as number) << 24);
    crc =
      (FOURTH_LAST[crc & 0xff] as number) ^
      (THIRD_LAST[(crc >>> 8) & 0xff] as number) ^
      (SECOND_LAST[(crc >>> 16) & 0xff] as number) ^
      (LAST[crc >>> 24] as number);
  }
  for (; index < bytes.length; index++) {
    crc = (crc >>> 8) ^ (LAST[(crc ^ (bytes[index] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}

/** Signed words, which V8 keeps in registers. */
function makeTables(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const last = Int32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  const before = (table: Int32Array): Int32Array =>
    table.map((value) => (value >>> 8) ^ (last[value & 0xff] as number));
  const second = before(last);
  const third = before(second);
  return [last, second, third, before(third)];
}
