import { type DatabaseImage, PAGE_SIZE } from "@tributary/core";
import { branchDamage } from "./branch-damage.js";
import type { BranchPages } from "./branch-pages.js";

/**
 * The pages of a branch as of a position. Nothing is copied before it is read. A page that was never written is all zeros, be
 * it that SQLite made it as a free one, or that it was cut off once and came back.
 */
export function imageOfBranch({ baseFile, frames, index }: BranchPages, position: number): DatabaseImage {
  const size = index.sizeAt(position);
  const smallest = index.smallestCut(index.base, position) ?? size;
  // Each image has its own, since two of them are read side by side.
  const page = new Uint8Array(PAGE_SIZE);
  return {
    size,
    readPage(pageNumber) {
      if (!(pageNumber >= 1 && pageNumber <= size))
        throw new RangeError(`There is no page ${pageNumber}: there are ${size}.`);
      const frame = index.positionOf(pageNumber, position);
      const isCutOff =
        pageNumber > smallest &&
        pageNumber > (index.smallestCut(frame, position) ?? Number.POSITIVE_INFINITY);
      if (isCutOff || (frame === 0 && pageNumber > frames.basePages)) {
        page.fill(0);
      } else if (frame !== 0) {
        frames.readPage(frame, page);
      } else if (baseFile.read(page, (pageNumber - 1) * PAGE_SIZE) !== PAGE_SIZE) {
        throw branchDamage(`the image ends before page ${pageNumber}`);
      }
      return page;
    },
  };
}
