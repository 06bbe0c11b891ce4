import { WireError } from "@tributary/wire";
import fc from "fast-check";

/** Bytes of all kinds: any, and those of a good message with some changed, cut off or added. */
export function junkLike(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    at: fc.nat({ max: Math.max(good.length - 1, 0) }),
    value: fc.nat({ max: 255 }),
  });
  const mutated = fc
    .record({
      changes: fc.array(change, { maxLength: 5 }),
      length: fc.nat({ max: good.length }),
      isCut: fc.boolean(),
      tail: fc.uint8Array({ maxLength: 8 }),
    })
    .map(({ changes, length, isCut, tail }) => {
      const bytes = Uint8Array.from([...good.subarray(0, isCut ? length : good.length), ...tail]);
      for (const { at, value } of changes) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  return fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated);
}

/** The invariant of every decoder. */
export function expectValueOrWireError(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}
