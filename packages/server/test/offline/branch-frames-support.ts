import { FRAME_SIZE, PAGE_SIZE } from "@tributary/core";

/** What a frame is to hold: every byte of the page is `fill`. */
export interface TestFrame {
  readonly page: number;
  readonly fill: number;
  /** Pages of the database, if a transaction ends. */
  readonly size?: number;
}

/** Frames as they travel, without salts and checksums. */
export function framesOf(...frames: readonly TestFrame[]): Uint8Array {
  const bytes = new Uint8Array(frames.length * FRAME_SIZE);
  const view = new DataView(bytes.buffer);
  for (const [index, { page, fill, size = 0 }] of frames.entries()) {
    const at = index * FRAME_SIZE;
    view.setUint32(at, page);
    view.setUint32(at + 4, size);
    bytes.fill(fill, at + FRAME_SIZE - PAGE_SIZE, at + FRAME_SIZE);
  }
  return bytes;
}

/** An image of pages that are filled with one byte each. */
export async function* imageOf(...fills: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const fill of fills) yield new Uint8Array(PAGE_SIZE).fill(fill);
}

/** The byte that each page is filled with. Throws unless it is the same all over. */
export function fillsOf(image: { readonly size: number; readPage(page: number): Uint8Array }): number[] {
  return Array.from({ length: image.size }, (_, index) => {
    const page = image.readPage(index + 1);
    const fill = page[0] as number;
    if (Buffer.compare(page, Buffer.alloc(PAGE_SIZE, fill)) !== 0)
      throw new Error(`page ${index + 1} is a mixture`);
    return fill;
  });
}
