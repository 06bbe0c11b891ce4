import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { FileHandle } from "../ports/io-operations.js";
import { PAGE_SIZE } from "../values/page.js";

/** Where an image lies. */
export interface ImageLocation {
  readonly file: FileHandle;
  /** Offset in bytes. */
  readonly offset: number;
}

/** Bytes of one read or write, at most. */
export const TRANSFER_BYTES = 1_048_576;

/** Images further apart than this are not read together with what lies between them. */
const LARGEST_GAP = 16 * PAGE_SIZE;

/**
 * The images at those locations, back to back in that order. Neighbours are read with one request, so a transaction of
 * a thousand pages costs a few, not a thousand.
 */
export function* readImages(locations: readonly ImageLocation[], path: string): Coroutine<Uint8Array> {
  const images = new Uint8Array(locations.length * PAGE_SIZE);
  const order = locations.map((_, index) => index);
  const at = (position: number): ImageLocation => locations[order[position] as number] as ImageLocation;
  order.sort((left, right) => {
    const [first, second] = [locations[left] as ImageLocation, locations[right] as ImageLocation];
    return first.file - second.file || first.offset - second.offset;
  });
  for (let from = 0; from < order.length; ) {
    const { file, offset: start } = at(from);
    let to = from + 1;
    while (to < order.length && joins(at(to - 1), at(to), start)) to++;
    const bytes = yield* io.readAt(file, start, at(to - 1).offset + PAGE_SIZE - start);
    for (; from < to; from++) {
      const begin = at(from).offset - start;
      if (begin + PAGE_SIZE > bytes.length) {
        throw new SyncError(
          "damaged-file",
          `A file of the replica ${path} ends before a page it must hold. Keep all of its files; another program may have changed them.`,
          { path },
        );
      }
      images.set(bytes.subarray(begin, begin + PAGE_SIZE), (order[from] as number) * PAGE_SIZE);
    }
  }
  return images;
}

function joins(last: ImageLocation, next: ImageLocation, start: number): boolean {
  return (
    next.file === last.file &&
    next.offset - last.offset - PAGE_SIZE <= LARGEST_GAP &&
    next.offset + PAGE_SIZE - start <= TRANSFER_BYTES
  );
}
