import { encodePageRange } from "@tributary/wire";

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

/** One container with every third id, as a bitmap of 8192 bytes. */
function bitmapContainer(): Uint8Array {
  const bytes = new Uint8Array(16 + 8192);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 12346, true);
  view.setUint32(4, 1, true);
  view.setUint32(12, 16, true);
  let count = 0;
  for (let id = 0; id < 65_536; id += 3, count++) {
    bytes[16 + (id >> 3)] = (bytes[16 + (id >> 3)] as number) | (1 << (id & 7));
  }
  view.setUint16(10, count - 1, true);
  return bytes;
}

/** Good Roaring bitmaps: what CRoaring (roaring-wasm 1.1.0) writes, and what this project does. */
export const ROARING_BITMAPS: {
  readonly small: readonly Uint8Array[];
  readonly large: readonly Uint8Array[];
} = {
  small: [
    fromBase64("OjAAAAMAAAAAAAQAAQABAP//AAAgAAAAKgAAAC4AAAAAAAEABQD/D///AABwEf//"),
    fromBase64("OjAAAAAAAAA="),
    encodePageRange(0, 0),
    encodePageRange(3, 9),
    encodePageRange(65_530, 65_540),
  ],
  large: [
    fromBase64("OzAAAAEAAOcDAQAAAOcD"),
    fromBase64("OzADAAcAAPX/AQBxEQQAhxMGAAAAJQAAACsAAAA5AAAAPwAAAAEACgD1/wMAAABvEaCGAACihgAAAQAAAIcTgBo="),
    encodePageRange(100_000, 400_000),
    bitmapContainer(),
  ],
};
